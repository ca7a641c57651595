//! Amounts in minor units, and what a unit is.

use std::fmt;

/// A positive amount of minor units (cents, say), at most 2^63 − 1. Sums of amounts are `u128` and cannot overflow
/// within the life of a ledger.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct Amount(u64);

/// A number of minor units that is no [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a whole number of minor units from 1 to {}", Amount::MAX.0)]
pub struct InvalidAmount;

impl Amount {
    /// The largest.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    /// Minor units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Amount {
    type Error = InvalidAmount;

    fn try_from(units: u64) -> Result<Self, InvalidAmount> {
        (1..=Self::MAX.0).contains(&units).then_some(Self(units)).ok_or(InvalidAmount)
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// What a ledger counts. It never changes: other units are another ledger.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Parts")]
pub struct Currency {
    /// As people write it: `EUR`, `TOK`.
    code: String,
    /// Digits behind the point.
    exponent: u8,
}

#[derive(serde::Deserialize)]
struct Parts {
    code: String,
    exponent: u8,
}

impl TryFrom<Parts> for Currency {
    type Error = InvalidCurrency;

    fn try_from(parts: Parts) -> Result<Self, InvalidCurrency> {
        Self::new(&parts.code, parts.exponent)
    }
}

/// Text or digits that make no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three to six capital letters with 0, 2 or 3 digits behind the point")]
pub struct InvalidCurrency;

/// Text that is no amount of a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no amount of {code}: write it like {example}, larger than zero")]
pub struct NotAnAmount {
    text: String,
    code: String,
    example: String,
}

impl Currency {
    /// A currency whose unit has `exponent` digits behind the point: 2 for the euro, 0 for the yen, 3 for the dinar.
    ///
    /// # Errors
    /// When `code` or `exponent` is none.
    pub fn new(code: &str, exponent: u8) -> Result<Self, InvalidCurrency> {
        let is_code = (3..=6).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase());
        let fits = is_code && matches!(exponent, 0 | 2 | 3);
        fits.then(|| Self { code: code.to_owned(), exponent }).ok_or(InvalidCurrency)
    }

    /// As people write it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Digits behind the point.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Units as a decimal number without the code: `12.34`.
    #[must_use]
    pub fn decimal(&self, units: u128) -> impl fmt::Display + use<> {
        Decimal { units, exponent: usize::from(self.exponent) }
    }

    /// An amount as people type it: `12.34`, `12`.
    ///
    /// # Errors
    /// When `text` is none, has more digits than the currency, or is zero.
    pub fn parse(&self, text: &str) -> Result<Amount, NotAnAmount> {
        self.units(text).and_then(|units| Amount::try_from(units).ok()).ok_or_else(|| NotAnAmount {
            text: text.to_owned(),
            code: self.code.clone(),
            example: self.decimal(1234).to_string(),
        })
    }

    fn units(&self, text: &str) -> Option<u64> {
        let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
        let exponent = usize::from(self.exponent);
        let is_number = !whole.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !is_number || behind.len() > exponent || text.ends_with('.') || behind.contains('.') {
            return None;
        }
        format!("{whole}{behind:0<exponent$}").parse().ok()
    }
}

struct Decimal {
    units: u128,
    exponent: usize,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.units, width = self.exponent + 1);
        let (whole, behind) = digits.split_at(digits.len() - self.exponent);
        f.pad(&if behind.is_empty() { whole.to_owned() } else { format!("{whole}.{behind}") })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_positive_and_fits_a_signed_number() {
        assert_eq!(Amount::try_from(0), Err(InvalidAmount));
        assert_eq!(Amount::try_from(1).map(Amount::units), Ok(1));
        assert_eq!(Amount::try_from(1 << 63), Err(InvalidAmount));
    }

    #[test]
    fn amounts_are_written_with_the_digits_of_their_currency() {
        let [yen, euro, dinar] = [("JPY", 0), ("EUR", 2), ("KWD", 3)]
            .map(|(code, exponent)| Currency::new(code, exponent).unwrap());
        assert_eq!(yen.decimal(1234).to_string(), "1234");
        assert_eq!(euro.decimal(1234).to_string(), "12.34");
        assert_eq!(euro.decimal(4).to_string(), "0.04");
        assert_eq!(dinar.decimal(0).to_string(), "0.000");
        assert_eq!(format!("{:>6}", euro.decimal(4)), "  0.04");
    }

    #[test]
    fn what_is_no_amount_is_refused_with_an_example() {
        let euro = Currency::new("EUR", 2).unwrap();
        for text in ["", "0", "0.00", "-1", "+1", "1.", ".5", "1.234", "1,50", "1e3", "1.2.3", "١"]
        {
            let refused = euro.parse(text).unwrap_err().to_string();
            assert!(
                refused.ends_with("write it like 12.34, larger than zero"),
                "{text}: {refused}"
            );
        }
        assert!(euro.parse("92233720368547758.08").is_err(), "2^63 units");
        assert_eq!(euro.parse("92233720368547758.07"), Ok(Amount::MAX));
    }

    #[test]
    fn a_currency_has_a_plain_code() {
        for (code, exponent) in [("eur", 2), ("EU", 2), ("EUROSXX", 2), ("EUR", 1), ("E R", 2)] {
            assert_eq!(Currency::new(code, exponent), Err(InvalidCurrency), "{code}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(units in 1..=Amount::MAX.0, exponent in prop::sample::select(vec![0_u8, 2, 3])) {
            let currency = Currency::new("TOK", exponent).unwrap();
            let amount = Amount::try_from(units).unwrap();
            prop_assert_eq!(currency.parse(&currency.decimal(u128::from(units)).to_string()), Ok(amount));
        }
    }
}
