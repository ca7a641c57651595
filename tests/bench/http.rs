//! HTTP/1.1 keep-alive clients that cost next to nothing: one request text, one read buffer, bodies thrown away.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Large enough that a segment takes few reads.
const BUFFER_BYTES: usize = 256 << 10;
/// Enough for a compressed playlist: thousands of larger buffers would measure this machine's caches.
const SMALL_BUFFER_BYTES: usize = 8 << 10;

/// In the clear or over TLS.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A connection that is used again and again.
pub(crate) struct Client {
    socket: Box<dyn Wire>,
    buffer: Vec<u8>,
}

/// An answer; the body is kept only when it was asked for.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body_bytes: usize,
    pub(crate) body: Vec<u8>,
    pub(crate) etag: String,
}

/// What the head of an answer says.
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
    etag: String,
}

/// How a server is reached.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
}

impl Target {
    pub(crate) const fn clear(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// Over TLS, trusting exactly one certificate.
    pub(crate) fn tls(address: SocketAddr, certificate: &Path) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, tls: Some(Arc::new(config)) }
    }

    pub(crate) async fn connect(&self) -> std::io::Result<Client> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let socket: Box<dyn Wire> = match &self.tls {
            None => Box::new(socket),
            Some(config) => {
                let name = ServerName::from(self.address.ip());
                Box::new(TlsConnector::from(Arc::clone(config)).connect(name, socket).await?)
            }
        };
        Ok(Client { socket, buffer: vec![0; BUFFER_BYTES] })
    }

    /// For one of very many clients that load small answers.
    pub(crate) async fn connect_small(&self) -> std::io::Result<Client> {
        let client = self.connect().await?;
        Ok(Client { buffer: vec![0; SMALL_BUFFER_BYTES], ..client })
    }
}

/// The text of a GET request.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: weir-bench\r\n\r\n").into_bytes()
}

/// The text of a GET request of a client that takes compressed text, as every browser does.
pub(crate) fn get_gzip(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: weir-bench\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    .into_bytes()
}

impl Client {
    /// Sends a request and throws the body away.
    pub(crate) async fn fetch(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.exchange(request, false).await
    }

    /// Sends a request and keeps the body.
    pub(crate) async fn fetch_body(&mut self, path: &str) -> std::io::Result<Answer> {
        self.exchange(&get(path), true).await
    }

    /// Sends a request and keeps the body as it came, perhaps compressed.
    pub(crate) async fn fetch_raw(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.exchange(request, true).await
    }

    async fn exchange(&mut self, request: &[u8], keep: bool) -> std::io::Result<Answer> {
        self.socket.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            let count = self.socket.read(&mut self.buffer[filled..]).await?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            filled += count;
            if let Some(head) = parse(&self.buffer[..filled]) {
                break head;
            }
        };
        let mut body = Vec::new();
        let mut left = head.body_bytes - (filled - head.bytes).min(head.body_bytes);
        if keep {
            body.extend_from_slice(&self.buffer[head.bytes..filled]);
        }
        while left > 0 {
            let limit = left.min(self.buffer.len());
            let count = self.socket.read(&mut self.buffer[..limit]).await?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if keep {
                body.extend_from_slice(&self.buffer[..count]);
            }
            left -= count;
        }
        Ok(Answer { status: head.status, body_bytes: head.body_bytes, body, etag: head.etag })
    }
}

/// The head, once it is whole.
fn parse(data: &[u8]) -> Option<Head> {
    let bytes = data.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&data[..bytes]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let (mut body_bytes, mut etag) = (None, "");
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body_bytes = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("etag") {
            etag = value.trim();
        }
    }
    Some(Head {
        status,
        bytes,
        body_bytes: body_bytes.expect("both servers answer with a content length"),
        etag: etag.to_owned(),
    })
}
