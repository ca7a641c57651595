//! The small file by which programs of the same user find this node; see [`weir_model::local`].

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use weir_model::local::{Homes, LocalNode, node_file};
use weir_model::node::Endpoint;

/// The file of this node; gone again after a clean stop.
pub(super) struct NodeFile {
    path: Option<PathBuf>,
    text: Vec<u8>,
}

impl NodeFile {
    /// Writes the file. Without it the CLI needs `--endpoint`, so a failure is only logged.
    pub(super) fn write(homes: &Homes, endpoints: &[Endpoint], data: &Path) -> Self {
        let api = endpoints.iter().find(|one| one.name == "api");
        let data = fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
        let url = api.map(|one| one.url.clone()).unwrap_or_default();
        let local = LocalNode::new(url, &data, std::process::id());
        let text = serde_json::to_vec(&local).unwrap_or_default();
        let path = node_file(homes).filter(|path| match write_private(path, &text) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the CLI will not find this node");
                false
            }
        });
        Self { path, text }
    }

    /// Removes the file unless another node has replaced it.
    pub(super) fn remove(&self) {
        if let Some(path) = &self.path
            && fs::read(path).is_ok_and(|text| text == self.text)
        {
            // What cannot be removed is replaced by the next node.
            let _ = fs::remove_file(path);
        }
    }
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let fresh = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text)?;
    fs::rename(&fresh, path)
}
