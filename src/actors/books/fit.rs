//! Answers that fit a message between nodes, however long what they tell is.

use serde::Serialize;
use weir_model::ApiError;

use super::{ANSWER_BYTES_MAX, internal};

/// Bytes that the items of an answer may have; the rest of it is names and brackets.
const ITEMS_BYTES_MAX: usize = ANSWER_BYTES_MAX - (64 << 10);

/// As many of `items`, in their order, as fit; one at least.
pub(super) fn fitting<T: Serialize>(
    items: impl IntoIterator<Item = T>,
) -> Result<Vec<T>, ApiError> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    for item in items {
        bytes += serde_json::to_vec(&item).map_err(internal)?.len() + 1;
        if bytes > ITEMS_BYTES_MAX && !kept.is_empty() {
            break;
        }
        kept.push(item);
    }
    Ok(kept)
}

/// As many of the newest of `items`, which come oldest first, as fit; one at least.
pub(super) fn newest_fitting<T: Serialize>(
    items: impl IntoIterator<Item = T, IntoIter: DoubleEndedIterator>,
) -> Result<Vec<T>, ApiError> {
    let mut kept = fitting(items.into_iter().rev())?;
    kept.reverse();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use weir_ledger::account::{Account, Kind};
    use weir_model::money::AccountBalance;

    use super::super::ACCOUNTS_MAX;
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_for_the_next_answer() {
        let item = |n: usize| format!("{n}{}", "x".repeat(1_000_000));
        let kept = fitting((0..9).map(item)).unwrap();
        assert_eq!(kept, (0..4).map(item).collect::<Vec<_>>());
        assert_eq!(newest_fitting((0..9).map(item)).unwrap(), (5..9).map(item).collect::<Vec<_>>());
        assert!(serde_json::to_vec(&Ok::<_, ()>(kept)).unwrap().len() <= ANSWER_BYTES_MAX);
    }

    /// The page of a trial balance has a fixed number of rows, so that whoever reads it knows the last page by its length.
    #[test]
    fn the_longest_rows_of_a_trial_balance_fit() {
        let most = format!("-{}.00", u128::MAX);
        let row = AccountBalance {
            account: Account { kind: Kind::BankInTransit, of: u128::MAX }.to_string(),
            class: "liabilities".into(),
            debits: most.clone(),
            credits: most.clone(),
            reserved: most.clone(),
            balance: most,
            standing: "frozen".into(),
        };
        assert_eq!(fitting(vec![row; ACCOUNTS_MAX]).unwrap().len(), ACCOUNTS_MAX);
    }

    #[test]
    fn one_is_told_whatever_its_length() {
        let long = "x".repeat(2 * ANSWER_BYTES_MAX);
        assert_eq!(fitting([long.clone(), long]).unwrap().len(), 1);
        assert!(fitting(Vec::<u8>::new()).unwrap().is_empty());
    }
}
