//! People and services that log in, and the tokens by which they are known afterwards. The secrets themselves are never in
//! these types; what a role may do is decided in `weir-people`.

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, ChannelName, Timestamp, TokenId};

/// An account name is shown beside messages and typed by hand: neither a single letter nor a sentence.
pub const ACCOUNT_NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=24;

/// An account's public name: 3–24 characters of `a-z`, `0-9` and `_`, the first one a letter. Capitals are read as
/// small letters, so that no two accounts differ by them alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName(String);

/// Why a text cannot be an account name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account name has 3 to 24 characters of a-z, 0-9 and '_', and starts with a letter")]
pub struct InvalidAccountName;

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, InvalidAccountName> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if first && rest && ACCOUNT_NAME_CHARS.contains(&text.len()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidAccountName)
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for AccountName {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for AccountName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for AccountName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for AccountName {}

/// What an account is there for. (What a node is there for is [`crate::Role`].)
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
pub enum AccountRole {
    /// Watches, and spends from its own wallet.
    Viewer,
    /// Publishes into the channels it owns.
    Streamer,
    /// Keeps the peace among viewers.
    Moderator,
    /// Runs the cluster; may do everything.
    Operator,
    /// Reads everything, money too, and changes nothing.
    Auditor,
}

/// A word that names no role of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; roles are viewer, streamer, moderator, operator and auditor")]
pub struct UnknownAccountRole(pub String);

impl AccountRole {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Streamer, Self::Moderator, Self::Operator, Self::Auditor];

    /// The word used in tables, JSON and on the disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Streamer => "streamer",
            Self::Moderator => "moderator",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for AccountRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccountRole {
    type Err = UnknownAccountRole;

    fn from_str(text: &str) -> Result<Self, UnknownAccountRole> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| UnknownAccountRole(text.chars().take(32).collect()))
    }
}

/// A set of roles; the empty one may do nothing. JSON: a list of words; a word of a newer version is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AccountRoles(u8);

impl AccountRoles {
    /// Whether `role` is in the set.
    #[must_use]
    pub const fn contains(self, role: AccountRole) -> bool {
        self.0 & role.bit() != 0
    }

    /// The set with `role`.
    #[must_use]
    pub const fn with(self, role: AccountRole) -> Self {
        Self(self.0 | role.bit())
    }

    /// True without any role.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = AccountRole> {
        AccountRole::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<AccountRole> for AccountRoles {
    fn from_iter<I: IntoIterator<Item = AccountRole>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for AccountRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(AccountRole::as_str).collect();
        f.write_str(&words.join(","))
    }
}

impl serde::Serialize for AccountRoles {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for AccountRoles {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| word.parse::<AccountRole>().ok()).collect())
    }
}

impl utoipa::PartialSchema for AccountRoles {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Vec::<AccountRole>::schema()
    }
}

impl utoipa::ToSchema for AccountRoles {}

/// An account as shown, without its password's hash.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// Never changes, also when the name is given up.
    pub id: AccountId,
    /// Public name.
    pub name: AccountName,
    /// What it is there for.
    pub roles: AccountRoles,
    /// Whether it can sign in with a password.
    pub password: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Set while it can do nothing.
    pub disabled_at: Option<Timestamp>,
}

/// How a token came to be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Made on purpose, for a program.
    Api,
    /// Made by signing in.
    Login,
}

impl TokenKind {
    /// The word used in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Login => "login",
        }
    }
}

/// A token without its secret. One that was revoked is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Token {
    /// Public id, safe in logs and tables.
    pub id: TokenId,
    /// Whose it is; it never can more than this account can at the moment.
    pub account: AccountId,
    /// That account's name.
    pub account_name: AccountName,
    /// How it came to be.
    pub kind: TokenKind,
    /// Free text that tells people which program holds it.
    pub label: String,
    /// What it is limited to: `all`, `read`, `moderate`, `operate`, `money`, or single actions.
    pub scopes: Vec<String>,
    /// The only channel it is good for.
    pub channel: Option<ChannelName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it is refused.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_those_that_could_be_mistaken_for_anything_else_are_refused() {
        assert_eq!("Alice_1".parse::<AccountName>().unwrap().as_str(), "alice_1");
        let long = "a".repeat(25);
        for name in ["", "ab", "1abc", "_abc", "a-b-c", "a b c", "abc\0", "ábc", "acc.x", &long] {
            assert_eq!(name.parse::<AccountName>(), Err(InvalidAccountName), "{name:?}");
        }
    }

    #[test]
    fn a_set_of_roles_is_a_list_of_words_and_a_word_of_a_newer_version_is_passed_over() {
        let roles: AccountRoles = serde_json::from_str(r#"["auditor","pope","viewer"]"#).unwrap();
        assert_eq!(roles.to_string(), "viewer,auditor");
        assert_eq!(serde_json::to_string(&roles).unwrap(), r#"["viewer","auditor"]"#);
        assert!(AccountRoles::default().is_empty() && !roles.contains(AccountRole::Operator));
    }
}
