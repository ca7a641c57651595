//! The sockets of a node's doors.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use weir_model::node::Endpoint;

use super::config::ListenConfig;

/// Sockets are bound before anything starts, so that a taken port is the first and only complaint.
pub(super) struct Listeners {
    pub(super) rtmp: TcpListener,
    pub(super) rtmps: Option<TcpListener>,
    pub(super) http: TcpListener,
    pub(super) https: Option<TcpListener>,
    pub(super) api: TcpListener,
    pub(super) metrics: TcpListener,
}

impl Listeners {
    /// Binds all of them.
    ///
    /// # Errors
    /// With the address that is taken.
    pub(super) async fn bind(config: &ListenConfig, tls: bool) -> Result<Self, String> {
        let when_tls = |name, address| async move {
            if tls { bind(name, address).await.map(Some) } else { Ok(None) }
        };
        Ok(Self {
            rtmp: bind("rtmp", config.rtmp).await?,
            rtmps: when_tls("rtmps", config.rtmps).await?,
            http: bind("http", config.http).await?,
            https: when_tls("https", config.https).await?,
            api: bind("api", config.api).await?,
            metrics: bind("metrics", config.metrics).await?,
        })
    }

    /// The addresses as URLs; a wildcard address is told as the loopback one.
    ///
    /// # Errors
    /// When the system does not say where a socket is bound.
    pub(super) fn endpoints(&self) -> Result<Vec<Endpoint>, String> {
        let mut endpoints = Vec::new();
        let mut add = |name: &str, scheme: &str, path: &str, listener: Option<&TcpListener>| {
            let Some(listener) = listener else { return Ok(()) };
            let mut address = listener.local_addr().map_err(|error| error.to_string())?;
            if address.ip().is_unspecified() {
                address.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            let url = format!("{scheme}://{address}{path}");
            endpoints.push(Endpoint { name: name.into(), url });
            Ok::<(), String>(())
        };
        add("rtmp", "rtmp", "/live", Some(&self.rtmp))?;
        add("rtmps", "rtmps", "/live", self.rtmps.as_ref())?;
        add("http", "http", "", Some(&self.http))?;
        add("https", "https", "", self.https.as_ref())?;
        add("api", "http", "", Some(&self.api))?;
        add("metrics", "http", "/metrics", Some(&self.metrics))?;
        Ok(endpoints)
    }
}

async fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address} for {name}: {error}; set listen.{name} or --port-base")
    })
}
