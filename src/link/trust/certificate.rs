//! What a node's certificate says, and how it is read.
//!
//! The subject's common name is the node id for people with `openssl`. Programs read the subject alternative
//! names instead: `<16 hex>.node.weir` is the id, `<role>.role.weir` one role, `member.weir` any node of a
//! cluster. So the same well-tested parser that checks the chain also reads the identity, a dialler checks
//! for *the* node it wants by an ordinary server name, and no second ASN.1 parser sees a stranger's bytes.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls::pki_types::CertificateDer;
use weir_model::{NodeId, Timestamp};

use super::{Fingerprint, TrustError, files};

/// A name that every node certificate carries; a joiner, who knows no ids yet, asks for it.
pub(in crate::link) const MEMBER_NAME: &str = "member.weir";
const NODE_SUFFIX: &str = ".node.weir";
const ROLE_SUFFIX: &str = ".role.weir";

/// An uncompressed P-256 point: `0x04`, x, y (SEC 1 §2.3.3).
const PUBLIC_KEY_BYTES: usize = 65;

/// What stands before the point when a certificate carries it (RFC 5480 §2.1.1): an EC key of the curve P-256.
const P256_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Who a certificate speaks for. Made only from a certificate that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The node.
    pub node: NodeId,
    /// Its roles, as words.
    pub roles: BTreeSet<String>,
    /// The key that it showed, as [`PublicKey::fingerprint`].
    pub key: Fingerprint,
    /// The certificate's serial number in hexadecimal digits.
    pub serial: String,
}

/// The server name under which a node's certificate is valid for exactly that node.
pub(in crate::link) fn server_name(node: NodeId) -> String {
    format!("{:016x}{NODE_SUFFIX}", node.0)
}

/// The names that a certificate for `node` carries.
pub(super) fn names(node: NodeId, roles: &BTreeSet<String>) -> Vec<String> {
    let roles = roles.iter().map(|role| format!("{role}{ROLE_SUFFIX}"));
    [MEMBER_NAME.to_owned(), server_name(node)].into_iter().chain(roles).collect()
}

/// Reads the identity.
///
/// # Errors
/// When the certificate is not one of a Weir node.
pub(in crate::link) fn identity(der: &CertificateDer<'_>) -> Result<Identity, TrustError> {
    let certificate = webpki::EndEntityCert::try_from(der)
        .map_err(|error| TrustError::NotANode(error.to_string()))?;
    let names: Vec<&str> = certificate.valid_dns_names().collect();
    let mut nodes = names.iter().filter_map(|name| name.strip_suffix(NODE_SUFFIX));
    let (Some(node), None) = (nodes.next(), nodes.next()) else {
        return Err(TrustError::NotANode("it names no node, or several".into()));
    };
    let id = u64::from_str_radix(node, 16)
        .map_err(|_| TrustError::NotANode("its node name is not an id".into()))?;
    let roles = names.iter().filter_map(|name| name.strip_suffix(ROLE_SUFFIX));
    let info = certificate.subject_public_key_info();
    let point = info.strip_prefix(P256_HEADER.as_slice());
    let point = point.ok_or_else(|| TrustError::NotANode("its key is none of P-256".into()))?;
    Ok(Identity {
        node: NodeId(id),
        roles: roles.map(str::to_owned).collect(),
        key: Fingerprint::of(point),
        serial: hex(certificate.serial()),
    })
}

/// A certificate that the authority made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Issued {
    /// Whom it is for.
    pub node: NodeId,
    /// The certificate, PEM.
    pub certificate: String,
    /// The authority's certificate, PEM.
    pub authority: String,
    /// Begin of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
}

/// A node's private key. It never leaves the node.
pub struct NodeKey(pub(super) KeyPair);

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(…)")
    }
}

impl NodeKey {
    /// A new key (ECDSA P-256).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new() -> Result<Self, TrustError> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self).map_err(TrustError::making)
    }

    /// The key in the file `path`; made when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, written or understood.
    pub fn open_or_new(path: &Path) -> Result<Self, TrustError> {
        if let Some(text) = files::read(path)? {
            let unreadable = |error: rcgen::Error| {
                TrustError::Unreadable(path.display().to_string(), error.to_string())
            };
            return KeyPair::from_pem(&text).map(Self).map_err(unreadable);
        }
        let made = Self::new()?;
        files::write(path, &made.0.serialize_pem())?;
        Ok(made)
    }

    pub(super) fn from_pem(text: &str) -> Result<Self, TrustError> {
        KeyPair::from_pem(text).map(Self).map_err(TrustError::making)
    }

    pub(super) fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key_raw().to_vec())
    }

    /// Signs `message`.
    pub(in crate::link) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TrustError> {
        self.0.sign(message).map_err(TrustError::making)
    }
}

/// A node's public key, as it asks for a certificate with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads the text form.
    ///
    /// # Errors
    /// When it is not an uncompressed P-256 point in hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, TrustError> {
        unhex(text)
            .filter(|bytes| bytes.len() == PUBLIC_KEY_BYTES && bytes.first() == Some(&4))
            .map(Self)
            .ok_or(TrustError::BadKey)
    }

    /// What is kept to know the key again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }

    /// The text form: hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Whether `signature` over `message` was made with the private half.
    pub(in crate::link) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0).verify(message, signature).is_ok()
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// Bytes as hexadecimal digits.
pub(in crate::link) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hexadecimal digits as bytes.
pub(in crate::link) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16).map(|value| value as u8));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    pairs.collect()
}
