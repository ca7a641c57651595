//! Whom and what a request refers to outside the ledger.

use weir_model::{ChannelName, ShowId};

/// Characters of a payment provider's own reference.
pub const PSP_CHARS_MAX: usize = 64;

/// A payment provider by its name: at most 15 small letters and digits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "u128", into = "u128")]
pub struct Provider(u128);

/// A number that names no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment provider is named by 1 to 15 small letters and digits")]
pub struct InvalidProvider;

impl Provider {
    /// Whoever settles by hand.
    pub const MANUAL: Self = Self(0x6d61_6e75_616c);

    /// The provider of that name, if it is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is_name = (1..16).contains(&name.len()) && name.bytes().all(is_of_name);
        is_name.then(|| Self(name.bytes().fold(0, |all, byte| all << 8 | u128::from(byte))))
    }

    /// Its place in the chart of accounts.
    #[must_use]
    pub const fn of(self) -> u128 {
        self.0
    }
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

impl TryFrom<u128> for Provider {
    type Error = InvalidProvider;

    fn try_from(number: u128) -> Result<Self, InvalidProvider> {
        let bytes = number.to_be_bytes();
        let name = bytes.iter().position(|byte| *byte != 0).and_then(|first| bytes.get(first..));
        let is_name =
            name.is_some_and(|name| name.len() < 16 && name.iter().copied().all(is_of_name));
        is_name.then_some(Self(number)).ok_or(InvalidProvider)
    }
}

impl From<Provider> for u128 {
    fn from(provider: Provider) -> Self {
        provider.0
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.0.to_be_bytes();
        bytes
            .iter()
            .skip_while(|byte| **byte == 0)
            .try_for_each(|byte| std::fmt::Write::write_char(f, char::from(*byte)))
    }
}

/// Whom and what a request refers to; the ledger keeps it and decides nothing by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refs {
    /// Whose channel.
    pub channel: Option<ChannelName>,
    /// Which broadcast.
    pub show: Option<ShowId>,
    /// What the payment provider calls it.
    pub psp: Option<PspRef>,
}

/// What a payment provider calls something: 1 to 64 characters of ASCII that can be seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PspRef(String);

/// Text that no payment provider calls anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a provider's reference has 1 to {PSP_CHARS_MAX} visible ASCII characters and no space")]
pub struct InvalidPspRef;

impl TryFrom<String> for PspRef {
    type Error = InvalidPspRef;

    fn try_from(text: String) -> Result<Self, InvalidPspRef> {
        let fits = (1..=PSP_CHARS_MAX).contains(&text.len());
        let is_plain = fits && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then_some(Self(text)).ok_or(InvalidPspRef)
    }
}

impl From<PspRef> for String {
    fn from(psp: PspRef) -> Self {
        psp.0
    }
}

impl std::fmt::Display for PspRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_by_small_letters_and_digits_also_in_bytes() {
        for name in ["", "Stripe", "a-b", "abcdefghijklmnop"] {
            assert_eq!(Provider::named(name), None, "{name}");
        }
        let stripe = Provider::named("stripe2").unwrap();
        assert_eq!(stripe.to_string(), "stripe2");
        assert_eq!(Provider::named("manual"), Some(Provider::MANUAL));
        assert_ne!(Provider::named("a"), Provider::named("b"));
        assert_eq!(Provider::try_from(stripe.of()), Ok(stripe));
        for number in [0, 0x41, 0x61_00_61, u128::from_be_bytes([b'a'; 16])] {
            assert_eq!(Provider::try_from(number), Err(InvalidProvider), "{number:x}");
            let bytes = postcard::to_allocvec(&number).unwrap();
            assert!(postcard::from_bytes::<Provider>(&bytes).is_err());
        }
    }

    #[test]
    fn references_are_short_and_plain_and_none_are_three_bytes() {
        assert_eq!(postcard::to_allocvec(&Refs::default()).unwrap(), [0; 3]);
        let new = |text: &str| PspRef::try_from(text.to_owned());
        assert_eq!(new("pi_3Mt").unwrap().to_string(), "pi_3Mt");
        for text in ["", "a b", "a\n", "é", &"x".repeat(65)] {
            assert_eq!(new(text), Err(InvalidPspRef), "{text}");
        }
        let psp = Some(new("evt_1").unwrap());
        let refs = Refs { channel: "ann".parse().ok(), show: Some(ShowId(7)), psp };
        let bytes = postcard::to_allocvec(&refs).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(refs));
    }
}
