//! Decoder configurations: the record a publisher sends becomes a [`crate::CodecConfig`].
//!
//! Each codec has its own file with a `config` function. They read only what a playlist and a sample
//! entry need, through a reader that cannot run past its end, because the bytes come from strangers.

pub mod aac;
pub mod av1;
pub mod avc;
mod bits;
pub mod hevc;
pub mod mp3;
pub mod opus;
pub mod silence;

use bytes::Bytes;

pub(crate) use bits::Bits;

/// Longest configuration record that is kept, bytes. Real ones stay below 1 KiB; they live as long as the stream.
pub const RECORD_BYTES_MAX: usize = 16 * 1024;

/// Largest picture side in pixels that any level of the three video codecs allows, rounded up.
pub const PICTURE_SIDE_MAX: u32 = 65_536;

/// Video clock, hertz: whole milliseconds and all usual frame rates are exact in it.
pub const VIDEO_TIMESCALE: u32 = 90_000;

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not a valid record.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A valid record of something that is not carried.
    #[error("{0} is not supported")]
    Unsupported(String),
}

/// A copy of `record`, so that a small record does not keep a large receive buffer alive.
fn keep(record: &[u8], what: &'static str) -> Result<Bytes, ConfigError> {
    if record.len() > RECORD_BYTES_MAX {
        return Err(ConfigError::Malformed(what));
    }
    Ok(Bytes::copy_from_slice(record))
}

/// Checks that a picture has an area and no absurd side.
fn picture(width: u32, height: u32) -> Option<(u32, u32)> {
    let side = 1..=PICTURE_SIDE_MAX;
    (side.contains(&width) && side.contains(&height)).then_some((width, height))
}

#[cfg(test)]
mod tests;
