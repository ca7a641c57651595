//! Batches and answers as commands and replies of the log, whose text is JSON: a string in base64 (RFC 4648 section 4,
//! without padding). The directory's commands are objects, so nobody takes one for the other.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::value::RawValue;

/// `bytes` as a command or a reply.
///
/// # Errors
/// Never: base64 needs no escapes.
pub fn to_text(bytes: &[u8]) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(format!("\"{}\"", BASE64_STANDARD_NO_PAD.encode(bytes)))
}

/// The bytes in a command or a reply, if it is the ledger's.
#[must_use]
pub fn of_text(text: &RawValue) -> Option<Vec<u8>> {
    let text = text.get().strip_prefix('"')?.strip_suffix('"')?;
    BASE64_STANDARD_NO_PAD.decode(text).ok()
}

/// The most bytes whose command has at most `len` bytes.
#[must_use]
pub const fn bytes_of(len: usize) -> usize {
    len.saturating_sub(2) / 4 * 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_back_and_take_no_more_than_was_said(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let text = to_text(&bytes).unwrap();
            prop_assert_eq!(of_text(&text), Some(bytes.clone()));
            prop_assert!(bytes.len() <= bytes_of(text.get().len() + 3));
            prop_assert!(bytes_of(text.get().len()) <= bytes.len());
        }
    }

    #[test]
    fn other_commands_are_not_the_ledgers() {
        for text in ["{}", "null", "\"a b\"", "7"] {
            assert_eq!(of_text(&RawValue::from_string(text.into()).unwrap()), None, "{text}");
        }
    }
}
