//! Opaque ids: 64 random bits behind a prefix that tells what they name.

use std::fmt;
use std::str::FromStr;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id: expected `{kind}_` and 16 hexadecimal digits")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub kind: &'static str,
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:016x}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                    .map(Self)
                    .ok_or(InvalidId { kind: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match to.is_human_readable() {
                    true => to.collect_str(self),
                    false => to.serialize_u64(self.0),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if !from.is_human_readable() {
                    return u64::deserialize(from).map(Self);
                }
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                String::schema()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

opaque_id!(
    /// A person or service that can log in.
    AccountId,
    "acc"
);
opaque_id!(
    /// The public name of an invitation; says nothing about its secret.
    InviteId,
    "inv"
);
opaque_id!(
    /// The public name of a stream key; says nothing about the secret.
    KeyId,
    "key"
);
opaque_id!(
    /// One `weir-node` with its data directory; stays the same across restarts.
    NodeId,
    "node"
);
opaque_id!(
    /// One broadcast, spanning reconnects inside the grace period.
    ShowId,
    "show"
);
opaque_id!(
    /// A private session of a streamer with viewers.
    SessionId,
    "ses"
);
opaque_id!(
    /// The public name of a token; says nothing about its secret.
    TokenId,
    "tok"
);
opaque_id!(
    /// One viewer watching one stream.
    ViewingId,
    "view"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let id = KeyId(0xabc);
        assert_eq!(id.to_string(), "key_0000000000000abc");
        assert_eq!("key_0000000000000abc".parse(), Ok(id));
    }

    #[test]
    fn another_kind_of_id_is_refused() {
        assert!("view_0000000000000abc".parse::<KeyId>().is_err());
        assert!("key_+000000000000abc".parse::<KeyId>().is_err());
        assert!("key_é00000000000abc".parse::<KeyId>().is_err());
    }
}
