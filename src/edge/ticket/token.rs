//! What stands behind `?v=`, as bytes: who watches, for how long that is good, and a keyed check over it and the
//! channel. Pure: the key and the time are arguments.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use weir_model::{AccountId, ChannelName, Timestamp, TokenId, ViewingId};

use crate::store::Standing;

/// Bytes of the check: 96 bits.
const CHECK: usize = 12;
/// Id and end.
const SHORT: usize = 8 + 4;
/// The same with an account, its epoch, and the token by which it was known.
const LONG: usize = SHORT + 8 + 8 + 8;
/// Characters of the longest value.
const CHARS_MAX: usize = (LONG + CHECK) / 3 * 4;

/// A viewing, and whom it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Which viewing.
    pub id: ViewingId,
    /// Who watches, when that is known.
    pub holder: Option<Standing>,
    /// When it ends, whole seconds.
    pub expires_at: Timestamp,
}

impl Token {
    /// The value that says so of `channel`. Letters, digits, `-` and `_`, so that it stands in a query as it is.
    #[must_use]
    pub fn write(&self, key: &[u8; 32], channel: &ChannelName) -> String {
        let mut bytes = Vec::with_capacity(LONG + CHECK);
        bytes.extend(self.id.0.to_be_bytes());
        let seconds = u32::try_from(self.expires_at.0 / 1000).unwrap_or(u32::MAX);
        bytes.extend(seconds.to_be_bytes());
        if let Some(Standing { account, epoch, token }) = self.holder {
            let token = token.map_or(0, |token| token.0);
            bytes.extend([account.0, epoch, token].map(u64::to_be_bytes).as_flattened());
        }
        let check = check(key, channel, &bytes);
        bytes.extend(check);
        BASE64_URL_SAFE_NO_PAD.encode(&bytes)
    }

    /// What a value says, if it was written with this key for this channel; whether it has ended is not looked at.
    #[must_use]
    pub fn read(key: &[u8; 32], channel: &ChannelName, value: &str) -> Option<Self> {
        if value.len() > CHARS_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let (said, claimed) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
        let right = check(key, channel, said);
        let wrong = right.iter().zip(claimed).fold(0, |wrong, (one, other)| wrong | (one ^ other));
        if wrong != 0 || !matches!(said.len(), SHORT | LONG) {
            return None;
        }
        let number = |at: usize| Some(u64::from_be_bytes(*said.get(at..)?.first_chunk()?));
        let seconds = u32::from_be_bytes(*said.get(8..)?.first_chunk()?);
        let holder = || {
            let (account, epoch) = (AccountId(number(SHORT)?), number(SHORT + 8)?);
            let token = number(SHORT + 16).filter(|token| *token != 0).map(TokenId);
            Some(Standing { account, epoch, token })
        };
        Some(Self {
            id: ViewingId(number(0)?),
            holder: holder(),
            expires_at: Timestamp(i64::from(seconds) * 1000),
        })
    }
}

fn check(key: &[u8; 32], channel: &ChannelName, said: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    // The length comes first, so that no end of what is said passes for the begin of a channel's name.
    hasher.update(&[said.len() as u8]).update(said).update(channel.as_str().as_bytes());
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    fn any_token() -> impl Strategy<Value = Token> {
        let standing = (any::<u64>(), any::<u64>(), prop::option::of(1_u64..));
        (any::<u64>(), any::<u32>(), prop::option::of(standing)).prop_map(|(id, end, holder)| {
            let holder = holder.map(|(account, epoch, token)| Standing {
                account: AccountId(account),
                epoch,
                token: token.map(TokenId),
            });
            Token { id: ViewingId(id), holder, expires_at: Timestamp(i64::from(end) * 1000) }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_in_its_channel_with_its_key_only(token in any_token()) {
            let value = token.write(&KEY, &channel("demo"));
            prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Token::read(&KEY, &channel("demo"), &value), Some(token));
            prop_assert_eq!(Token::read(&KEY, &channel("dem0"), &value), None);
            prop_assert_eq!(Token::read(&[8; 32], &channel("demo"), &value), None);
        }

        #[test]
        fn whoever_changes_anything_of_it_has_nothing(
            token in any_token(),
            at in 0_usize..LONG + CHECK,
            flip in 1_u8..,
        ) {
            let value = token.write(&KEY, &channel("demo"));
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&value).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let forged = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(Token::read(&KEY, &channel("demo"), &forged), None);
        }

        #[test]
        fn whatever_is_brought_it_does_not_panic(value in ".{0,100}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(Token::read(&KEY, &channel("demo"), &value), None);
            let value = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(Token::read(&KEY, &channel("demo"), &value), None);
        }
    }

    #[test]
    fn a_short_token_is_no_long_one_of_a_channel_that_is_called_so() {
        let token = Token { id: ViewingId(1), holder: None, expires_at: Timestamp(5_000) };
        let name = format!("{}demo", "a".repeat(LONG - SHORT));
        let value = token.write(&KEY, &channel(&name));
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&value).unwrap();
        let check = bytes.split_off(SHORT);
        bytes.extend("a".repeat(LONG - SHORT).as_bytes());
        bytes.extend(check);
        let moved = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
        assert_eq!(Token::read(&KEY, &channel("demo"), &moved), None);
    }
}
