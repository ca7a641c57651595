//! The cluster's certificate authority: one key, made at the cluster's first start, held by voters only.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use weir_model::{NodeId, Timestamp};

use super::certificate::{Issued, NodeKey, PublicKey, names};
use super::{Fingerprint, TrustError, files};

/// Life of a node's certificate: short, so that one that was never revoked ends by itself, and long enough
/// that a node may be off for three weeks.
pub const NODE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The authority outlives the machines.
const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// Certificates begin in the past, because clocks of nodes differ.
const CLOCK_SKEW: Duration = Duration::from_secs(10 * 60);
/// The file in the data directory, certificate and key.
const FILE: &str = "cluster-authority.pem";
const SERIAL_BYTES: usize = 16;
/// Roles are words of DNS labels.
const ROLE_CHARS_MAX: usize = 32;
/// A node has a handful.
const ROLES_MAX: usize = 16;

/// Signs node certificates.
pub struct Authority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authority").field(&self.fingerprint()).finish()
    }
}

impl Authority {
    /// A new authority, valid from `now`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(now: Timestamp) -> Result<Self, TrustError> {
        let key = NodeKey::new()?.0;
        let mut params = params(&key);
        set_validity(&mut params, now, AUTHORITY_LIFE);
        let certificate = params.self_signed(&key).map_err(TrustError::making)?;
        let certificate_pem = certificate.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { certificate: certificate.into(), certificate_pem, issuer })
    }

    /// The authority in `dir`; made when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, written or understood.
    pub fn open_or_new(dir: &Path, now: Timestamp) -> Result<Self, TrustError> {
        if let Some(there) = Self::open(dir)? {
            return Ok(there);
        }
        let made = Self::new(now)?;
        made.save(dir)?;
        Ok(made)
    }

    /// The authority in `dir`, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn open(dir: &Path) -> Result<Option<Self>, TrustError> {
        files::read(&dir.join(FILE))?.map(|text| Self::from_pem(&text)).transpose()
    }

    /// Writes the authority to `dir`, readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TrustError> {
        files::write(&dir.join(FILE), &self.to_pem())
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote.
    ///
    /// # Errors
    /// When it is not a certificate and a key.
    pub fn from_pem(text: &str) -> Result<Self, TrustError> {
        let unreadable = |error: String| TrustError::Unreadable(FILE.into(), error);
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|error| unreadable(error.to_string()))?;
        let at = text.find("-----BEGIN PRIVATE KEY").ok_or_else(|| unreadable("no key".into()))?;
        let (certificate_pem, key) = text.split_at(at);
        let key = KeyPair::from_pem(key).map_err(|error| unreadable(error.to_string()))?;
        let issuer = Issuer::new(params(&key), key);
        Ok(Self { certificate, certificate_pem: certificate_pem.to_owned(), issuer })
    }

    /// Certificate and private key: the secret of the cluster, for a new voter only.
    #[must_use]
    pub fn to_pem(&self) -> String {
        format!("{}{}", self.certificate_pem, self.issuer.key().serialize_pem())
    }

    /// What invitations pin.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// Makes a certificate for `node`.
    ///
    /// # Errors
    /// When a role is not a short lower-case word, or the system gives no randomness.
    pub fn issue(
        &self,
        node: NodeId,
        roles: &BTreeSet<String>,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Issued, TrustError> {
        self.issue_for(node, roles, key, now, NODE_LIFE)
    }

    /// Like [`issue`](Self::issue) with another life.
    pub(super) fn issue_for(
        &self,
        node: NodeId,
        roles: &BTreeSet<String>,
        key: &PublicKey,
        now: Timestamp,
        life: Duration,
    ) -> Result<Issued, TrustError> {
        check(roles)?;
        let mut params = CertificateParams::new(names(node, roles)).map_err(TrustError::making)?;
        params.distinguished_name.push(DnType::CommonName, node.to_string());
        let unit = roles.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(serial()?);
        set_validity(&mut params, now, life);
        let certificate = params.signed_by(key, &self.issuer).map_err(TrustError::making)?;
        Ok(Issued {
            node,
            certificate: certificate.pem(),
            authority: self.certificate_pem.clone(),
            not_before: now,
            not_after: now.plus_ms(millis(life)),
        })
    }
}

fn check(roles: &BTreeSet<String>) -> Result<(), TrustError> {
    let word = |role: &String| {
        (1..=ROLE_CHARS_MAX).contains(&role.len()) && role.bytes().all(|b| b.is_ascii_lowercase())
    };
    let bad = if roles.len() > ROLES_MAX {
        Some("too many roles".to_owned())
    } else {
        roles.iter().find(|role| !word(role)).cloned()
    };
    bad.map_or(Ok(()), |role| Err(TrustError::BadRole(role)))
}

/// What is the same whenever the authority is loaded: all but the dates follow from the key, so that the
/// certificate itself need not be parsed.
fn params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = Fingerprint::of(&key.subject_public_key_info()).to_string();
    let short: String = name.chars().take(16).collect();
    params.distinguished_name.push(DnType::CommonName, format!("Weir cluster {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn set_validity(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    let epoch = date_time_ymd(1970, 1, 1);
    let now = Duration::from_millis(u64::try_from(now.0).unwrap_or_default());
    params.not_before = epoch + now.saturating_sub(CLOCK_SKEW);
    params.not_after = epoch + now + life;
}

fn millis(life: Duration) -> i64 {
    i64::try_from(life.as_millis()).unwrap_or(i64::MAX)
}

/// Random, positive and of one length (RFC 5280 §4.1.2.2).
fn serial() -> Result<SerialNumber, TrustError> {
    let mut bytes = files::random::<SERIAL_BYTES>()?;
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}
