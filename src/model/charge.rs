//! What the ledger calls things, as people write it: `tip:0123…`, `session:0123…`.

use std::fmt;
use std::str::FromStr;

use crate::AccountId;

/// A name in the ledger: of a request, and of what it made (a tip, a payout). 128 bits, not zero; its text form is 32
/// hexadecimal digits. A UUID with its dashes is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerId(u128);

/// Text or a number that is no [`LedgerId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of the ledger is a UUID, or 32 hexadecimal digits, and not zero")]
pub struct InvalidLedgerId;

impl LedgerId {
    /// The name of that number; none of zero.
    #[must_use]
    pub fn new(number: u128) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for LedgerId {
    type Err = InvalidLedgerId;

    fn from_str(text: &str) -> Result<Self, InvalidLedgerId> {
        hex(text).and_then(Self::new).ok_or(InvalidLedgerId)
    }
}

/// 32 hexadecimal digits, or those of a UUID.
fn hex(text: &str) -> Option<u128> {
    let is_uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
    let digits = if is_uuid { text.replace('-', "") } else { text.to_owned() };
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// Names something that was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeName {
    /// `session:ID`: somebody's time in a private session.
    Session(u128),
    /// `tip:ID`, by the id of its request.
    Tip(u128),
    /// `gift:ID`: times as members for others, by the id of its request.
    Gift(u128),
    /// `ticket:EVENT:ACCOUNT:NTH`: a place at an event.
    Ticket {
        /// Which event.
        event: u128,
        /// Whose place.
        account: AccountId,
        /// Which of that account's tickets for it, from 1.
        nth: u32,
    },
    /// `period:CHANNEL:ACCOUNT:NUMBER`: a time as a member.
    Period {
        /// Of which channel, by its name in the ledger.
        channel: u128,
        /// Whose.
        account: AccountId,
        /// Which period, from 1.
        number: u32,
    },
}

/// Text that names no payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no payment: write session:ID, tip:ID, gift:ID, ticket:EVENT:ACCOUNT:N or period:CHANNEL:ACCOUNT:N, each ID with 32 hexadecimal digits, as `weir ledger explain` prints it"
)]
pub struct InvalidChargeName(pub String);

impl fmt::Display for ChargeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id:032x}"),
            Self::Tip(id) => write!(f, "tip:{id:032x}"),
            Self::Gift(id) => write!(f, "gift:{id:032x}"),
            Self::Ticket { event, account, nth } => {
                write!(f, "ticket:{event:032x}:{account}:{nth}")
            }
            Self::Period { channel, account, number } => {
                write!(f, "period:{channel:032x}:{account}:{number}")
            }
        }
    }
}

impl FromStr for ChargeName {
    type Err = InvalidChargeName;

    fn from_str(text: &str) -> Result<Self, InvalidChargeName> {
        let parts: Vec<&str> = text.split(':').take(5).collect();
        let found = match parts[..] {
            ["session", id] => hex(id).map(Self::Session),
            ["tip", id] => hex(id).map(Self::Tip),
            ["gift", id] => hex(id).map(Self::Gift),
            ["ticket", event, account, nth] => numbered(event, account, nth)
                .map(|(event, account, nth)| Self::Ticket { event, account, nth }),
            ["period", channel, account, number] => numbered(channel, account, number)
                .map(|(channel, account, number)| Self::Period { channel, account, number }),
            _ => None,
        };
        found.ok_or_else(|| InvalidChargeName(text.chars().take(120).collect()))
    }
}

fn numbered(id: &str, account: &str, number: &str) -> Option<(u128, AccountId, u32)> {
    Some((hex(id)?, account.parse().ok()?, number.parse().ok()?))
}

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                String::schema()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

pub(crate) use as_text;

as_text!(LedgerId ChargeName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_digits_or_a_uuid_and_never_zero() {
        let id: LedgerId = "0123456789abcdef0123456789ABCDEF".parse().unwrap();
        assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
        assert_eq!("01234567-89ab-cdef-0123-456789abcdef".parse(), Ok(id));
        for text in ["", "7", &"0".repeat(32), &"g".repeat(32), &"é".repeat(18), &"-".repeat(36)] {
            assert_eq!(text.parse::<LedgerId>(), Err(InvalidLedgerId), "{text}");
        }
    }

    #[test]
    fn every_sort_of_payment_has_a_name_that_reads_back() {
        let account = AccountId(7);
        for name in [
            ChargeName::Session(1),
            ChargeName::Tip(u128::MAX),
            ChargeName::Gift(3),
            ChargeName::Ticket { event: 4, account, nth: 2 },
            ChargeName::Period { channel: 5, account, number: 1 },
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let id = "0".repeat(31) + "1";
        for text in [
            "tip",
            "tip:7",
            &format!("tip:{id}:x"),
            &format!("ticket:{id}:acc_1:1"),
            &format!("x:{id}"),
        ] {
            assert!(text.parse::<ChargeName>().is_err(), "{text}");
        }
    }
}
