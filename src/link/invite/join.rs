//! The newcomer's side of a join.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, TokioRuntime, TransportConfig};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use weir_model::NodeId;

use super::Token;
use super::admit::{AskText, PROOF_BYTES, PROOF_LABEL, PeerText, Welcome};
use crate::link::Clock;
use crate::link::endpoint::{self, ALPN_JOIN, EndpointError};
use crate::link::peers::PeerAddress;
use crate::link::request::Refusal;
use crate::link::trust::certificate::{MEMBER_NAME, hex};
use crate::link::trust::verify::{Now, provider};
use crate::link::trust::{
    Authority, Credentials, Fingerprint, NodeKey, Reason, Trust, TrustError, verify,
};
use crate::link::wire::{self, code};

/// Longer than the cluster's own limit for a join.
const TIMEOUT: Duration = Duration::from_secs(12);
/// Nobody there; a cluster that thinks keeps the connection alive meanwhile.
const SILENCE: Duration = Duration::from_secs(5);

/// What a newcomer wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its id, from its store.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// Where others can reach it.
    pub addresses: Vec<SocketAddr>,
    /// Its program version.
    pub program: String,
}

/// What a newcomer got. Save the credentials, and the authority if there is one, before anything else.
#[derive(Debug)]
pub struct Joined {
    /// Certificate and key, and the next key.
    pub credentials: Credentials,
    /// The authority, for a voter.
    pub authority: Option<Authority>,
    /// Whom to connect with.
    pub peers: Vec<PeerAddress>,
}

impl Joined {
    /// The trust that follows from it.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub fn trust(self) -> Result<Trust, TrustError> {
        Trust::new(self.credentials, self.authority.map(Arc::new))
    }
}

/// Why a join failed.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Another cluster, or somebody in between.
    #[error("the node at {0} is not of the cluster that invited; check address and token")]
    AnotherCluster(SocketAddr),
    /// Nobody there.
    #[error("no answer from {0}: {1}; check the address, the UDP port and firewalls")]
    NoAnswer(SocketAddr, String),
    /// The cluster said no.
    #[error("not admitted: {0}")]
    Refused(Refusal),
    /// The answer.
    #[error("the cluster's answer is not understood ({0}); use its program version")]
    Malformed(String),
    /// Our side.
    #[error(transparent)]
    Own(#[from] EndpointError),
}

impl From<TrustError> for JoinError {
    fn from(error: TrustError) -> Self {
        Self::Own(error.into())
    }
}

/// Asks the node at `at` for a certificate of `key`. Uses a socket of its own. Whoever kept the key may ask again when
/// the answer got lost. Whether the token is still good is for the
/// cluster to say: a newcomer's clock may be wrong, and a refusal is to be seen there.
///
/// # Errors
/// See [`JoinError`].
pub async fn join(
    at: SocketAddr,
    token: &Token,
    key: &NodeKey,
    wish: Wish,
    clock: Clock,
) -> Result<Joined, JoinError> {
    let endpoint = stranger(at)?;
    let config = pinned(token.fingerprint, clock, ALPN_JOIN)?;
    let exchange = async {
        let connection = connect(&endpoint, config, at).await?;
        let joined = ask(&connection, at, token, key, wish).await;
        connection.close(code::DONE, b"done");
        joined
    };
    let joined = tokio::time::timeout(TIMEOUT, exchange).await;
    let joined = joined.unwrap_or_else(|_| Err(JoinError::NoAnswer(at, "timed out".into())));
    endpoint.close(code::DONE, b"done");
    joined
}

fn stranger(at: SocketAddr) -> Result<Endpoint, JoinError> {
    let any: SocketAddr = if at.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = endpoint::bind(any)?;
    let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime));
    endpoint.map_err(|error| EndpointError::Bind(any, error).into())
}

async fn connect(
    endpoint: &Endpoint,
    config: ClientConfig,
    at: SocketAddr,
) -> Result<Connection, JoinError> {
    let no_answer = |error: &dyn std::fmt::Display| JoinError::NoAnswer(at, error.to_string());
    let connecting =
        endpoint.connect_with(config, at, MEMBER_NAME).map_err(|error| no_answer(&error))?;
    connecting.await.map_err(|error| match &error {
        // Raised by our own check of the certificate.
        quinn::ConnectionError::TransportError(_) => JoinError::AnotherCluster(at),
        _ => no_answer(&error),
    })
}

async fn ask(
    connection: &Connection,
    at: SocketAddr,
    token: &Token,
    key: &NodeKey,
    wish: Wish,
) -> Result<Joined, JoinError> {
    let no_answer = |error: &dyn std::fmt::Display| JoinError::NoAnswer(at, error.to_string());
    let malformed = |error: &dyn std::fmt::Display| JoinError::Malformed(error.to_string());
    let next = NodeKey::new()?;
    let mut bound = [0; PROOF_BYTES];
    connection
        .export_keying_material(&mut bound, PROOF_LABEL, b"")
        .map_err(|_| malformed(&"no keying material"))?;
    let text = AskText {
        secret: hex(&token.secret.0),
        node: wish.node,
        name: wish.name,
        roles: wish.roles,
        addresses: wish.addresses,
        public_key: key.public().to_hex(),
        next_key: Some(next.public().to_hex()),
        proof: hex(&key.sign(&bound)?),
        program: wish.program,
    };
    let (mut send, mut recv) = connection.open_bi().await.map_err(|error| no_answer(&error))?;
    let header = wire::header(&text).map_err(|error| malformed(&error))?;
    // A cluster that is busy may close before it reads; its reason is found below.
    if send.write_chunk(header).await.is_ok() {
        let _ = send.finish();
    }
    let welcome: Welcome = match wire::read_header(&mut recv).await {
        Ok(welcome) => welcome,
        Err(error) => {
            return Err(match connection.close_reason() {
                Some(reason) => no_answer(&reason),
                None => malformed(&error),
            });
        }
    };
    if let Some(refusal) = welcome.refusal {
        return Err(JoinError::Refused(refusal));
    }
    let issued = welcome.issued.ok_or_else(|| malformed(&"no certificate"))?;
    let authority = welcome.authority.as_deref().map(Authority::from_pem).transpose()?;
    let address = |PeerText { node, addresses }| PeerAddress { node, addresses };
    Ok(Joined {
        credentials: Credentials::new(issued, key).with_next(&next),
        authority,
        peers: welcome.peers.into_iter().map(address).collect(),
    })
}

/// Settings for dialling a cluster of which only the fingerprint is known.
pub(in crate::link) fn pinned(
    fingerprint: Fingerprint,
    clock: Clock,
    protocol: &[u8],
) -> Result<ClientConfig, EndpointError> {
    let mut tls = rustls::ClientConfig::builder_with_details(provider(), Arc::new(Now(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(EndpointError::tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(fingerprint)))
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = QuicClientConfig::try_from(tls).map_err(EndpointError::tls)?;
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(SILENCE.try_into().ok());
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Believes a chain that ends at the authority with this fingerprint.
#[derive(Debug)]
struct Pinned(Fingerprint);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let stranger = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut shown = intermediates.iter();
        let authority = shown.find(|one| Fingerprint::of(one) == self.0).ok_or_else(stranger)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let chain = chain.build().map_err(|_| stranger())?;
        chain.verify_server_cert(end_entity, &[], server_name, ocsp_response, now).inspect_err(
            |error| {
                let reason: Reason = verify::reason(error);
                tracing::warn!(?reason, "the cluster's node has a bad certificate");
            },
        )
    }

    verify::signatures!();
}
