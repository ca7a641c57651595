//! `--filter`: the language is the client's, the same as behind `/` in the console.

use serde::Serialize;
use weir_client::filter::fields::Fields;
use weir_client::filter::{Filter, FilterError};
use weir_model::Timestamp;
use weir_model::limits::ANSWER_ROWS_MAX;

use crate::session::Session;

/// Rows asked of the node when a filter chooses among them: the most that the node gives at once, since those that
/// fit may be the last.
pub(crate) const ASKED_MAX: usize = 10_000;

/// Rows to ask for, of which `limit` are to be shown.
pub(crate) const fn asked(filter: Option<&Filter>, limit: usize) -> usize {
    if filter.is_some() { ASKED_MAX } else { limit }
}

/// Says that there may be more than the `found` newest: the node gave as many as it gives, or as many as fit were shown.
pub(crate) fn say_if_cut(session: &mut Session<'_>, found: usize, is_full: bool) {
    if found >= ANSWER_ROWS_MAX {
        let all =
            format!("only among the newest {found}, which is all that the node gives at once");
        session.say(&all);
    } else if is_full {
        session.say("only the newest; raise --limit to see more");
    }
}

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
