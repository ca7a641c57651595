//! Who may watch a channel: everybody, or who paid for it.

use crate::charge::LedgerId;
use crate::limits::{PERIOD_SECS_MAX, PERIOD_SECS_MIN, PRICE_CHARS_MAX};

/// Who may watch. The owner and staff always do.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Access {
    /// Everybody.
    #[default]
    Public,
    /// Members of the channel.
    Members {
        /// What a period costs, decimal text …
        price: String,
        /// … of this currency.
        currency: String,
        /// How long a period is.
        period_secs: u64,
    },
    /// Whoever has a ticket for an event, while that is open.
    Ticket {
        /// What a ticket costs, decimal text …
        price: String,
        /// … of this currency.
        currency: String,
        /// The event, as the ledger calls it.
        event: LedgerId,
    },
}

/// An access that no channel can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccess {
    /// Its period is too short or too long.
    #[error("a period of a membership is at least a minute and at most 366 days long")]
    Period,
    /// Its price is none.
    #[error("a price is a decimal number with its currency")]
    Price,
}

impl Access {
    /// Whether everybody may watch.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Public)
    }

    /// Whether it is one that a channel can have.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), InvalidAccess> {
        let (price, currency) = match self {
            Self::Public => return Ok(()),
            Self::Members { period_secs, .. }
                if !(PERIOD_SECS_MIN..=PERIOD_SECS_MAX).contains(period_secs) =>
            {
                return Err(InvalidAccess::Period);
            }
            Self::Members { price, currency, .. } | Self::Ticket { price, currency, .. } => {
                (price, currency)
            }
        };
        let fits = |text: &str| (1..=PRICE_CHARS_MAX).contains(&text.len());
        match fits(price) && fits(currency) {
            true => Ok(()),
            false => Err(InvalidAccess::Price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(price: &str, period_secs: u64) -> Access {
        Access::Members { price: price.into(), currency: "EUR".into(), period_secs }
    }

    #[test]
    fn a_period_and_a_price_are_something_that_can_be_sold() {
        assert_eq!(Access::Public.check(), Ok(()));
        assert_eq!(members("4.99", 30 * 86_400).check(), Ok(()));
        assert_eq!(members("4.99", 59).check(), Err(InvalidAccess::Period));
        assert_eq!(members("4.99", 367 * 86_400).check(), Err(InvalidAccess::Period));
        assert_eq!(members("", 3_600).check(), Err(InvalidAccess::Price));
        assert_eq!(members(&"9".repeat(99), 3_600).check(), Err(InvalidAccess::Price));
    }

    #[test]
    fn it_is_one_object_with_its_kind() {
        let text = serde_json::to_string(&members("4.99", 60)).unwrap();
        let written = r#"{"kind":"members","price":"4.99","currency":"EUR","period_secs":60}"#;
        assert_eq!(text, written);
        assert_eq!(serde_json::from_str::<Access>(written).unwrap(), members("4.99", 60));
        assert_eq!(serde_json::from_str::<Access>(r#"{"kind":"public"}"#).unwrap(), Access::Public);
    }
}
