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
