//! How an actor of the cluster is named, and who owns it: (kind, key) → node, incarnation, epoch.

use std::fmt;
use std::str::FromStr;

use crate::charge::as_text;
use crate::limits::ACTOR_KEY_CHARS_MAX;
use crate::{ChannelName, NodeId, Timestamp};

/// Kinds of actors that exist once in a cluster.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Packages a channel's live media.
    Stream,
    /// Fetches a channel's media from elsewhere and feeds its stream.
    Puller,
    /// Writes a recording.
    Recorder,
    /// Makes further renditions.
    Transcoder,
    /// Meters a paid session.
    Session,
    /// A channel's chat.
    Room,
}

/// Text that names no actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an actor is named `KIND/KEY`: the kind is stream, puller, recorder, transcoder, session or room; \
     the key has 1 to 128 characters of a-z, A-Z, 0-9, '-', '_', '.', ':' and '/'"
)]
pub struct InvalidActor;

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Stream, Self::Puller, Self::Recorder, Self::Transcoder, Self::Session, Self::Room];

    /// The word used in names, tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Puller => "puller",
            Self::Recorder => "recorder",
            Self::Transcoder => "transcoder",
            Self::Session => "session",
            Self::Room => "room",
        }
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ActorKind {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidActor)
    }
}

/// What an actor is about: a channel's name, or the name and what of it, as in `demo/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorKey(String);

impl ActorKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The channel it belongs to: everything before the first `/`.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl FromStr for ActorKey {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b);
        let short = (1..=ACTOR_KEY_CHARS_MAX).contains(&text.len());
        if short && text.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(InvalidActor) }
    }
}

impl From<&ChannelName> for ActorKey {
    fn from(name: &ChannelName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for ActorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An actor's name in the whole cluster; text form `stream/demo`, which is also its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId {
    /// What it does.
    pub kind: ActorKind,
    /// About what.
    pub key: ActorKey,
}

impl ActorId {
    /// The actor of `kind` for `key`.
    #[must_use]
    pub const fn new(kind: ActorKind, key: ActorKey) -> Self {
        Self { kind, key }
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.key)
    }
}

impl FromStr for ActorId {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        let (kind, key) = text.split_once('/').ok_or(InvalidActor)?;
        Ok(Self { kind: kind.parse()?, key: key.parse()? })
    }
}

as_text!(ActorKey ActorId);

/// Orders the owners of an actor: a later owner has a greater epoch, and a message of a smaller one is refused.
/// It is the index of the claim in the cluster's log, so no two claims share one.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Orders the starts of one node: each start has a greater one than all before (milliseconds since 1970 at the start).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who owns an actor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Lease {
    /// The actor.
    pub actor: ActorId,
    /// Its owner.
    pub node: NodeId,
    /// Which start of that node.
    pub incarnation: Incarnation,
    /// The claim's place among all claims.
    pub epoch: Epoch,
    /// When it was claimed, by the claimer's clock. For people only; nothing is decided by it.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_has_one_text_form_and_can_be_a_key_in_json() {
        let id: ActorId = "transcoder/demo/v1".parse().unwrap();
        assert_eq!(id.kind, ActorKind::Transcoder);
        assert_eq!((id.key.as_str(), id.key.channel()), ("demo/v1", "demo"));
        let map = std::collections::BTreeMap::from([(id, Epoch(7))]);
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"transcoder/demo/v1":7}"#);
    }

    #[test]
    fn what_could_not_stand_in_a_url_or_a_table_is_no_actor() {
        let long = format!("room/{}", "a".repeat(129));
        for text in ["stream", "stream/", "cat/demo", "room/a b", "room/é", &long] {
            assert_eq!(text.parse::<ActorId>(), Err(InvalidActor), "{text:?}");
        }
    }
}
