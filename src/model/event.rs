//! What happened, in order, for people, scripts and webhooks.

use std::collections::BTreeMap;

use crate::{ChannelName, Timestamp};

/// One thing that happened. Cursors only ever rise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Position in the log; `--since CURSOR` resumes after it.
    pub cursor: u64,
    /// When.
    pub at: Timestamp,
    /// `noun.verb`, e.g. `stream.live`, `publish.refused`, `viewing.kicked`.
    pub kind: String,
    /// The channel it is about, when it is about one.
    pub channel: Option<ChannelName>,
    /// One plain sentence.
    pub text: String,
    /// Stable fields for scripts. Never holds a secret.
    pub fields: BTreeMap<String, String>,
}

/// Kind of the event that stands in for events a reader can no longer get.
pub const GAP: &str = "log.gap";

/// Whether `kind` fits `pattern`, in which every `*` stands for any text.
#[must_use]
pub fn kind_matches(pattern: &str, kind: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = kind.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_a_kind_pattern_stands_for_any_text() {
        for (pattern, kind, fits) in [
            ("stream.live", "stream.live", true),
            ("stream.live", "stream.lives", false),
            ("stream.*", "stream.live", true),
            ("stream.*", "streams.live", false),
            ("*.kicked", "viewing.kicked", true),
            ("*", "anything", true),
            ("*e*m.*ve", "stream.live", true),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(kind_matches(pattern, kind), fits, "{pattern} {kind}");
        }
    }
}
