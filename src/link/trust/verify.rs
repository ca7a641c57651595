//! The two halves of a handshake's check, for rustls: the chain by webpki, then our own rules.

use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::refusals::Reason;
use super::{Trust, TrustError};
use crate::link::Clock;

/// The one crypto provider of the program.
pub(in crate::link) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What every verifier of a handshake says of signatures: they are TLS 1.3's, by the one provider.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Err(rustls::Error::General("TLS 1.2 is not spoken".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &rustls::pki_types::CertificateDer<'_>,
            dss: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = $crate::link::trust::verify::provider().signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, cert, dss, &known)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            let known = $crate::link::trust::verify::provider().signature_verification_algorithms;
            known.supported_schemes()
        }
    };
}
pub(in crate::link) use signatures;

/// Checks chains that end at one authority.
#[derive(Debug)]
pub(super) struct Chains {
    server: Arc<WebPkiServerVerifier>,
    client: Arc<dyn ClientCertVerifier>,
}

impl Chains {
    pub(super) fn new(authority: &CertificateDer<'static>) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).map_err(TrustError::chain)?;
        let roots = Arc::new(roots);
        let server = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .build()
            .map_err(TrustError::chain)?;
        // A joiner has no certificate yet; who speaks another protocol without one is turned away after
        // the handshake, where the protocol is known.
        let client = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .allow_unauthenticated()
            .build()
            .map_err(TrustError::chain)?;
        Ok(Self { server, client })
    }
}

/// [`Trust`] as rustls asks for it. Every refusal is counted by its reason.
#[derive(Debug)]
pub(in crate::link) struct Verifier(pub(in crate::link) Arc<Trust>);

impl Verifier {
    fn count(&self, error: Error) -> Error {
        self.0.refusals().count(reason(&error), None);
        error
    }

    fn own_rules(&self, end_entity: &CertificateDer<'_>) -> Result<(), Error> {
        self.0.admitted(end_entity).map(drop).map_err(|reason| match reason {
            Reason::Revoked => Error::InvalidCertificate(CertificateError::Revoked),
            _ => Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure),
        })
    }
}

/// Why a chain was refused, in our words.
pub(in crate::link) fn reason(error: &Error) -> Reason {
    let Error::InvalidCertificate(error) = error else { return Reason::Malformed };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Reason::NotYetValid
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Reason::Stranger,
        CertificateError::Revoked => Reason::Revoked,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Reason::AnotherNode
        }
        _ => Reason::Malformed,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = &self.0.chains().server;
        let verified = chain
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| self.count(error))?;
        self.own_rules(end_entity)?;
        Ok(verified)
    }

    signatures!();
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain = &self.0.chains().client;
        let verified = chain
            .verify_client_cert(end_entity, intermediates, now)
            .map_err(|error| self.count(error))?;
        self.own_rules(end_entity)?;
        Ok(verified)
    }

    signatures!();
}

/// Shows the node's newest certificate at each handshake, so that renewal needs no new configuration.
#[derive(Debug)]
pub(in crate::link) struct Newest(pub(in crate::link) Arc<Trust>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.shown())
    }
}

impl ResolvesClientCert for Newest {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.shown())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The node's clock, as rustls asks for it.
pub(in crate::link) struct Now(pub(in crate::link) Clock);

impl std::fmt::Debug for Now {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Now")
    }
}

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from((self.0)().0).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(ms)))
    }
}
