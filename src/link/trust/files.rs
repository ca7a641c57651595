//! Secrets on disk: whole or not at all, and read by their owner only.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::TrustError;
use super::certificate::{hex, unhex};

/// The file's text; none when there is no such file.
pub(in crate::link) fn read(path: &Path) -> Result<Option<String>, TrustError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(TrustError::Io { path: path.display().to_string(), error: error.to_string() })
        }
    }
}

/// Replaces the file.
pub(in crate::link) fn write(path: &Path, text: &str) -> Result<(), TrustError> {
    replace(path, text).map_err(|error| TrustError::Io {
        path: path.display().to_string(),
        error: error.to_string(),
    })
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Random bytes that stay the same across restarts.
pub(in crate::link) fn lasting_random(path: &Path) -> Result<[u8; 32], TrustError> {
    let kept = read(path)?.and_then(|text| unhex(text.trim()));
    if let Some(bytes) = kept.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(bytes);
    }
    let bytes = random::<32>()?;
    write(path, &hex(&bytes))?;
    Ok(bytes)
}

/// Random bytes.
pub(in crate::link) fn random<const N: usize>() -> Result<[u8; N], TrustError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| TrustError::Randomness(error.to_string()))?;
    Ok(bytes)
}
