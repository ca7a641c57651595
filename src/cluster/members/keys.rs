//! By which keys a node is known. The authority's word is not enough: who once voted knows the authority's private
//! key, and can have it say anything. So a node says beforehand which keys it will show, and no other is believed.
//!
//! A key is on record long before it is shown: a node has its next one ready from one renewal to the following. A
//! member whose copy of the directory is older than a renewal so still knows it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::NODE_KEYS_MAX;

/// SHA-256 of a node's public key, an uncompressed point. Its text is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPrint(pub [u8; 32]);

/// The keys of one node, newest word first: what it shows, what it shows next, what it showed before. None: any key
/// that the authority signed, as long as the node runs a version that does not name its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keys(Vec<KeyPrint>);

impl Keys {
    /// Whether any key goes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = KeyPrint> {
        self.0.iter().copied()
    }

    /// What is on record after the node said `said`: that, and of what was on record as much as there is room for,
    /// because what it showed before stays in use until its renewal has reached its disk. Who names none is one of an
    /// older version, and takes a new key at each renewal without a word.
    #[must_use]
    pub fn after(&self, said: &Self) -> Self {
        let mut kept = Self::default();
        if !said.is_empty() {
            kept.add(said.iter().chain(self.iter()));
        }
        kept
    }

    /// Whether a node that says `said` has said so before.
    #[must_use]
    pub fn has(&self, said: &Self) -> bool {
        self.after(said) == *self
    }

    fn add(&mut self, keys: impl Iterator<Item = KeyPrint>) {
        for key in keys {
            if self.0.len() < NODE_KEYS_MAX && !self.0.contains(&key) {
                self.0.push(key);
            }
        }
    }
}

/// At most [`NODE_KEYS_MAX`], each once.
impl FromIterator<KeyPrint> for Keys {
    fn from_iter<I: IntoIterator<Item = KeyPrint>>(keys: I) -> Self {
        let mut own = Self::default();
        own.add(keys.into_iter());
        own
    }
}

impl<const N: usize> From<[KeyPrint; N]> for Keys {
    fn from(keys: [KeyPrint; N]) -> Self {
        keys.into_iter().collect()
    }
}

impl fmt::Display for KeyPrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for KeyPrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPrint({self})")
    }
}

impl Serialize for KeyPrint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyPrint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = blake3::Hash::from_hex(text).map_err(serde::de::Error::custom)?;
        Ok(Self(*bytes.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(of: &[u8]) -> Keys {
        of.iter().map(|key| KeyPrint([*key; 32])).collect()
    }

    #[test]
    fn a_key_is_on_record_from_one_renewal_before_it_is_shown_to_one_after() {
        let first = Keys::default().after(&keys(&[1, 2]));
        assert_eq!(first, keys(&[1, 2]));
        let renewed = first.after(&keys(&[2, 3]));
        assert_eq!(renewed, keys(&[2, 3, 1]), "until the renewal has reached its disk");
        assert_eq!(renewed.after(&keys(&[3, 4])), keys(&[3, 4, 2]));
        assert_eq!(renewed.after(&keys(&[2, 3])), renewed, "said twice");
        assert_eq!(renewed.after(&keys(&[1, 2])), keys(&[1, 2, 3]), "its disk has the older ones");
    }

    #[test]
    fn a_node_that_names_no_keys_is_believed_with_any() {
        assert!(keys(&[1, 2]).after(&Keys::default()).is_empty());
    }

    #[test]
    fn keys_are_text_of_hexadecimal_digits() {
        let text = serde_json::to_string(&keys(&[1])).unwrap();
        assert_eq!(text, format!("[\"{}\"]", "01".repeat(32)));
        assert_eq!(serde_json::from_str::<Keys>(&text).unwrap(), keys(&[1]));
        assert!(serde_json::from_str::<Keys>("[\"01\"]").is_err());
    }

    proptest! {
        #[test]
        fn what_a_node_names_is_on_record_and_there_are_never_more_than_the_bound(
            said in prop::collection::vec(prop::collection::vec(0_u8..5, 1..5), 1..20)
        ) {
            let mut record = Keys::default();
            for said in said {
                let said = keys(&said);
                record = record.after(&said);
                prop_assert!(record.iter().count() <= NODE_KEYS_MAX);
                prop_assert!(said.iter().all(|key| record.iter().any(|one| one == key)));
                prop_assert_eq!(record.after(&said), record.clone());
            }
        }
    }
}
