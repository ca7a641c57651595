//! What a node is there for. A set of roles stands in the node's certificate, so it is small and has a text form.

use std::fmt;
use std::str::FromStr;

/// One thing a node may do.
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
pub enum Role {
    /// Takes publishers and owns streams.
    Ingest,
    /// Serves viewers.
    Edge,
    /// May vote on the directory; whether it does now is another flag.
    Voter,
    /// Runs transcoders.
    Transcode,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no role; write `ingest`, `edge`, `voter` and `transcode`, with commas between them"
)]
pub struct UnknownRole(pub String);

impl Role {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Edge, Self::Voter, Self::Transcode];

    /// The word used in certificates, configuration, tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Edge => "edge",
            Self::Voter => "voter",
            Self::Transcode => "transcode",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| UnknownRole(text.chars().take(32).collect()))
    }
}

/// A set of roles. JSON: a list of words; a word of a newer version is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles(u8);

impl Roles {
    /// Every role: a node on its own.
    #[must_use]
    pub fn all() -> Self {
        Role::ALL.into_iter().collect()
    }

    /// Whether `role` is in the set.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// The set with `role`.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// True without any role.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

/// The words with commas between them; empty for the empty set.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, role) in self.iter().enumerate() {
            write!(f, "{}{role}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Roles {
    type Err = UnknownRole;

    /// Strict, because people type it; white space around words does not matter.
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

impl serde::Serialize for Roles {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for Roles {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| word.parse::<Role>().ok()).collect())
    }
}

impl utoipa::PartialSchema for Roles {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Vec::<String>::schema()
    }
}

impl utoipa::ToSchema for Roles {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_a_set_round_trips_in_one_order() {
        let roles: Roles = "voter, ingest".parse().unwrap();
        assert_eq!(roles.to_string(), "ingest,voter");
        assert_eq!(roles.to_string().parse(), Ok(roles));
        assert_eq!("".parse(), Ok(Roles::default()));
        assert!(roles.contains(Role::Voter) && !roles.contains(Role::Edge));
    }

    #[test]
    fn people_are_told_of_a_misspelt_role_and_peers_are_not() {
        assert_eq!("edge,egde".parse::<Roles>(), Err(UnknownRole("egde".into())));
        let newer: Roles = serde_json::from_str(r#"["edge","archive"]"#).unwrap();
        assert_eq!(newer, Roles::default().with(Role::Edge));
        assert_eq!(serde_json::to_string(&newer).unwrap(), r#"["edge"]"#);
    }
}
