//! A chain of hashes: each link holds the one before it, so that nothing behind the newest can be changed unseen.

/// A link: the hash of everything up to it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Link(pub [u8; 32]);

impl Link {
    /// The link after this one, for `bytes`. BLAKE3 of this link and the bytes.
    #[must_use]
    pub fn then(&self, bytes: &[u8]) -> Self {
        let mut all = Vec::with_capacity(self.0.len() + bytes.len());
        all.extend_from_slice(&self.0);
        all.extend_from_slice(bytes);
        Self(*blake3::hash(&all).as_bytes())
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        blake3::Hash::from_bytes(self.0).to_hex().fmt(f)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_depends_on_all_before_it() {
        let first = Link::default().then(b"a");
        assert_eq!(first.then(b"b"), Link::default().then(b"a").then(b"b"));
        assert_ne!(first.then(b"b"), Link::default().then(b"b"));
        assert_ne!(Link::default().then(b"b").then(b"a"), first.then(b"b"));
        assert_eq!(first.to_string().len(), 64);
    }
}
