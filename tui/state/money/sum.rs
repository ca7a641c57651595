//! Adds and compares amounts that are decimal text, without a fraction that is not exact.

/// Digits behind the point, and the amount in units of the last of them.
fn parsed(amount: &str) -> Option<(usize, i128)> {
    let (whole, behind) = amount.split_once('.').unwrap_or((amount, ""));
    let units = format!("{whole}{behind}").parse().ok()?;
    Some((behind.len(), units))
}

/// A key that orders amounts of one currency; what is no amount comes first.
#[must_use]
pub fn order(amount: &str) -> Option<i128> {
    parsed(amount).map(|(_, units)| units)
}

/// The sum of amounts of one currency; none of nothing, or of what is no amount.
#[must_use]
pub fn sum<'a>(amounts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Option<(usize, i128)> = None;
    for amount in amounts {
        let (digits, units) = parsed(amount)?;
        all = Some(match all {
            None => (digits, units),
            Some((same, sum)) if same == digits => (same, sum.checked_add(units)?),
            Some(_) => return None,
        });
    }
    all.map(|(digits, units)| written(digits, units))
}

fn written(digits: usize, units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let figures = format!("{:0>width$}", units.unsigned_abs(), width = digits + 1);
    match figures.split_at(figures.len() - digits) {
        (whole, "") => format!("{sign}{whole}"),
        (whole, behind) => format!("{sign}{whole}.{behind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_added_to_the_last_digit() {
        let of = |amounts: &[&str]| sum(amounts.iter().copied());
        assert_eq!(of(&["0.10", "0.20", "19.71"]).as_deref(), Some("20.01"));
        assert_eq!(of(&["0.03", "-0.05"]).as_deref(), Some("-0.02"));
        assert_eq!(of(&["7", "5"]).as_deref(), Some("12"));
        assert_eq!(of(&["90071992547409.93", "0.01"]).as_deref(), Some("90071992547409.94"));
    }

    #[test]
    fn what_is_no_amount_of_one_currency_has_no_sum() {
        for amounts in [&[][..], &["1.00", "1"], &["much"], &["1.0.0"], &[""]] {
            assert_eq!(sum(amounts.iter().copied()), None, "{amounts:?}");
        }
        assert!(order("9.00") < order("10.00") && order("") < order("-1.00"));
    }
}
