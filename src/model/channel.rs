//! A streamer's permanent place.

use std::fmt;
use std::str::FromStr;

use crate::limits::CHANNEL_NAME_CHARS_MAX;
use crate::{Access, AccountId, Timestamp};

/// A channel's public name: 1–64 characters of `a-z`, `0-9`, `-`, `_`, the first one a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String);

/// Why a text cannot be a channel name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a channel name has 1 to 64 characters of a-z, 0-9, '-' and '_', and starts with a letter or digit"
)]
pub struct InvalidChannelName;

impl ChannelName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = InvalidChannelName;

    fn from_str(text: &str) -> Result<Self, InvalidChannelName> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let first = text.bytes().next().is_some_and(plain);
        let rest = text.bytes().all(|b| plain(b) || b == b'-' || b == b'_');
        if first && rest && text.len() <= CHANNEL_NAME_CHARS_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidChannelName)
        }
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for ChannelName {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ChannelName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for ChannelName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for ChannelName {}

/// A channel as stored and as shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Channel {
    /// Public name, part of every URL of the channel.
    pub name: ChannelName,
    /// Shown to viewers; the name when nobody set one.
    pub title: String,
    /// The account that owns it.
    pub owner: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who may watch.
    #[serde(default)]
    pub access: Access,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit_a_url_are_accepted() {
        for name in ["a", "demo", "studio-1", "9to5", "a_b"] {
            assert_eq!(name.parse::<ChannelName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_could_leave_their_folder_or_need_escaping_are_refused() {
        for name in ["", "-a", "..", "a/b", "A", "é", "a b", "a.b", &"a".repeat(65)] {
            assert_eq!(name.parse::<ChannelName>(), Err(InvalidChannelName), "{name:?}");
        }
    }
}
