//! `--filter`: the language is the client's, the same as behind `/` in the console.

use serde::Serialize;
use weir_client::filter::fields::Fields;
use weir_client::filter::{Filter, FilterError};
use weir_model::Timestamp;

/// Rows asked of the node when a filter chooses among them: the most that the node gives at once, since those that
/// fit may be the last.
pub(crate) const ASKED_MAX: usize = 10_000;

/// Reads a filter over these fields.
pub(crate) fn over(
    fields: Fields,
) -> impl Fn(&str) -> Result<Filter, FilterError> + Clone + Send + Sync + 'static {
    move |typed| Filter::parse(typed, fields)
}

/// The rows that fit; all of them without a filter.
pub(crate) fn fitting<T: Serialize>(
    filter: Option<&Filter>,
    mut rows: Vec<T>,
    now: Timestamp,
) -> Vec<T> {
    if let Some(filter) = filter {
        rows.retain(|row| filter.keeps_json(row, now));
    }
    rows
}
