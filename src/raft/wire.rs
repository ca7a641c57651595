//! Bulk bytes behind a JSON header: length of the header (u32, big endian), header, bytes as they are.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Headers hold ids and a membership, never a state.
const HEADER_BYTES_MAX: usize = 256 << 10;

/// Bytes that are not a header with something behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a header with bytes behind it: {0}")]
pub(super) struct Malformed(String);

/// `header`, then `bytes`.
pub(super) fn framed<H: Serialize>(header: &H, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = serde_json::to_vec(header).map_err(|error| Malformed(error.to_string()))?;
    let len = u32::try_from(text.len()).map_err(|error| Malformed(error.to_string()))?;
    Ok([&len.to_be_bytes(), text.as_slice(), bytes].concat())
}

/// The header in `bytes` and what is behind it.
pub(super) fn parts<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, &[u8]), Malformed> {
    let short = || Malformed("it ends too early".into());
    let (len, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let len = u32::from_be_bytes(*len) as usize;
    if len > HEADER_BYTES_MAX {
        return Err(Malformed(format!("a header of {len} bytes, at most {HEADER_BYTES_MAX}")));
    }
    let (header, bytes) = rest.split_at_checked(len).ok_or_else(short)?;
    let header = serde_json::from_slice(header).map_err(|error| Malformed(error.to_string()))?;
    Ok((header, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_with_its_bytes_and_anything_else_is_refused() {
        let bytes = framed(&7_u64, b"\0rest").unwrap();
        assert_eq!(parts::<u64>(&bytes), Ok((7, &b"\0rest"[..])));
        for wrong in [&b""[..], b"\0\0\0\x09{}", b"\xff\xff\xff\xff1", b"\0\0\0\x01x"] {
            assert!(parts::<u64>(wrong).is_err(), "{wrong:?}");
        }
    }
}
