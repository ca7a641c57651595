//! What the ledger can be asked to do.

use weir_model::AccountId;

use crate::account::{Account, Standing};
use crate::refusal::Refusal;
use crate::row::{At, HoldId, Id, Policy};
use crate::split::Split;
use crate::Amount;

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;

/// Something to be done, once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Made by whoever wants it; the same id is done once, for ever, and a request that was refused stays refused.
    /// Zero for commands that name what they are about and may be repeated ([`Command::is_repeatable`]).
    pub id: Id,
    /// Who wants it.
    pub by: AccountId,
    /// Why, in the words of whoever wants it.
    pub reason: String,
    /// What.
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Command {
    /// A user's payment arrived at a payment provider. The request's id names the lot.
    TopUp {
        /// Whose wallet.
        user: AccountId,
        /// How much.
        amount: Amount,
        /// The provider.
        provider: Provider,
    },
    /// The platform gives a user money that can only be spent here. The request's id names the lot.
    Grant {
        /// To whom.
        user: AccountId,
        /// How much.
        amount: Amount,
        /// When the rest is gone.
        expires_at: Option<At>,
    },
    /// What is left of a lot after its time is gone. Repeatable.
    ExpireLot {
        /// Which.
        lot: Id,
    },
    /// Reserves the next block of a session. Repeatable.
    Reserve {
        /// Which block of which charge.
        hold: HoldId,
        /// What was agreed when the session began; the same with each block.
        terms: Terms,
        /// How much.
        amount: Amount,
        /// When the rest is free again.
        expires_at: At,
        /// Whose lease of the session it is.
        epoch: u64,
    },
    /// Takes from a hold until `total` of it is taken. Repeatable: totals that were reached before change nothing.
    Capture {
        /// Which.
        hold: HoldId,
        /// Taken of the hold afterwards.
        total: u64,
        /// Whose lease of the session it is.
        epoch: u64,
    },
    /// The same, and the rest is free again. Repeatable.
    Close {
        /// Which.
        hold: HoldId,
        /// Taken of the hold afterwards.
        total: u64,
        /// Whose lease of the session it is.
        epoch: u64,
        /// Whether no further block follows.
        ends: bool,
    },
    /// What is left of a hold after its time is free again. Repeatable.
    ExpireHold {
        /// Which.
        hold: HoldId,
    },
    /// Pays at once. The request's id names the charge.
    Tip {
        /// What was agreed.
        terms: Terms,
        /// How much.
        amount: Amount,
    },
    /// Gives back of what was paid.
    Refund {
        /// Which payment.
        charge: Id,
        /// How much of it.
        amount: Amount,
    },
    /// What a creator earned long enough ago becomes payable. Repeatable.
    Mature {
        /// Who.
        creator: AccountId,
    },
    /// Freezes, opens or closes an account.
    SetStanding {
        /// Which.
        account: Account,
        /// To what.
        standing: Standing,
    },
    /// Changes the rules.
    SetPolicy {
        /// To these.
        policy: Policy,
    },
}

/// What a payer agreed to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// Who pays.
    pub payer: AccountId,
    /// At most so much in all.
    pub cap: Amount,
    /// Who gets what.
    pub split: Split,
}

/// A payment provider by its name: at most 15 small letters and digits.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Provider(u128);

impl Provider {
    /// The provider of that name, if it is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is_name = (1..16).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        is_name.then(|| Self(name.bytes().fold(0, |all, byte| all << 8 | u128::from(byte))))
    }

    /// Its place in the chart of accounts.
    #[must_use]
    pub const fn of(self) -> u128 {
        self.0
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.0.to_be_bytes();
        bytes.iter().skip_while(|byte| **byte == 0).try_for_each(|byte| {
            std::fmt::Write::write_char(f, char::from(*byte))
        })
    }
}

impl Command {
    /// Whether it names what it is about, so that doing it again changes nothing and it needs no id.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        match self {
            Self::ExpireLot { .. }
            | Self::Reserve { .. }
            | Self::Capture { .. }
            | Self::Close { .. }
            | Self::ExpireHold { .. }
            | Self::Mature { .. } => true,
            Self::TopUp { .. }
            | Self::Grant { .. }
            | Self::Tip { .. }
            | Self::Refund { .. }
            | Self::SetStanding { .. }
            | Self::SetPolicy { .. } => false,
        }
    }
}

impl Request {
    /// Its bytes, as its hash and its record have them.
    ///
    /// # Errors
    /// When it cannot be written, which no request brings about.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        postcard::to_allocvec(self).map_err(|error| Refusal::Invalid(error.to_string()))
    }

    /// Refuses what no ledger would do, before it is put into the log.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), Refusal> {
        let invalid = |text: &str| Err(Refusal::Invalid(text.to_owned()));
        if self.command.is_repeatable() != (self.id == 0) {
            return invalid("a request has an id if, and only if, its command is not repeatable");
        }
        if self.reason.chars().count() > REASON_CHARS_MAX {
            return invalid("the reason is too long");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_by_small_letters_and_digits() {
        for name in ["", "Stripe", "a-b", "abcdefghijklmnop"] {
            assert_eq!(Provider::named(name), None, "{name}");
        }
        assert_eq!(Provider::named("stripe2").unwrap().to_string(), "stripe2");
        assert_ne!(Provider::named("a"), Provider::named("b"));
    }

    #[test]
    fn only_what_cannot_be_repeated_has_an_id() {
        let request = |id, command| Request { id, by: AccountId(1), reason: String::new(), command };
        let repeatable = Command::ExpireLot { lot: 1 };
        let once = Command::Refund { charge: 1, amount: Amount::MAX };
        assert_eq!(request(0, repeatable.clone()).check(), Ok(()));
        assert_eq!(request(1, once.clone()).check(), Ok(()));
        assert!(request(1, repeatable).check().is_err() && request(0, once.clone()).check().is_err());
        let wordy = Request { reason: "x".repeat(201), ..request(1, once) };
        assert_eq!(wordy.check(), Err(Refusal::Invalid("the reason is too long".into())));
    }
}
