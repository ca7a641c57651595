//! L5. Configuration, assembly in order, stop, metrics, logs.

pub mod args;
pub mod check;
pub mod config;
mod local;
pub mod logs;
mod metrics;
mod process;
pub mod signal;
mod status;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::net::TcpListener;
use weir_model::local::Homes;
use weir_model::node::Endpoint;

use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::streams::{self, StopReason, Streams};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::Viewings;
use crate::store::Store;
use crate::{api, edge, ingest};
use config::{Config, ListenConfig};

/// Loops that did not end within this when the node stops are left to the process's end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running node.
pub struct Node {
    tasks: Tasks,
    streams: Streams,
    endpoints: Vec<Endpoint>,
    local: local::NodeFile,
}

/// Sockets are bound before anything starts, so that a taken port is the first and only complaint.
struct Listeners {
    rtmp: TcpListener,
    rtmps: Option<TcpListener>,
    http: TcpListener,
    https: Option<TcpListener>,
    api: TcpListener,
    metrics: TcpListener,
}

impl Node {
    /// Starts everything in order: store, actors, then the doors from the inside out.
    ///
    /// # Errors
    /// One sentence that says what could not be had and what to do.
    pub async fn start(config: Config, data: PathBuf, homes: &Homes) -> Result<Self, String> {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tls = tls::load(&config.tls)?;
        let listeners = Listeners::bind(&config.listen, tls.is_some()).await?;
        let store = open_store(&data).await?;
        let (events, tasks, registry) = (Events::new(), Tasks::new(), Registry::new());
        let viewings = Viewings::new(events.clone(), config.edge.viewings_max);
        let context = streams::Context {
            config: config.stream.streams(),
            events: events.clone(),
            store: store.clone(),
            tasks: tasks.clone(),
            viewings: viewings.clone(),
        };
        let streams = Streams::start(context).await.map_err(|error| error.to_string())?;
        let endpoints = listeners.endpoints(&config.listen)?;
        let local = local::NodeFile::write(homes, &endpoints, &data);
        let parts =
            Parts { config, store, events, tasks, viewings, streams, registry, endpoints };
        parts.serve(listeners, tls).await?;
        let Parts { tasks, streams, endpoints, .. } = parts;
        Ok(Self { tasks, streams, endpoints, local })
    }

    /// Tells whoever started the node where it listens: one line on standard output.
    pub fn print_ready(&self) {
        let list: Vec<String> =
            self.endpoints.iter().map(|one| format!("{}={}", one.name, one.url)).collect();
        println!("ready {}", list.join(" "));
    }

    /// Ends shows, connections and loops, at most [`STOP_LIMIT`].
    pub async fn stop(self) {
        tracing::info!("stopping");
        for stream in self.streams.all_public() {
            self.streams.end(&stream.channel, StopReason::NodeStops).await;
        }
        self.tasks.shutdown(STOP_LIMIT).await;
        self.local.remove();
        tracing::info!("stopped");
    }
}

/// What the doors are made of.
struct Parts {
    config: Config,
    store: Store,
    events: Events,
    tasks: Tasks,
    viewings: Viewings,
    streams: Streams,
    registry: Registry,
    endpoints: Vec<Endpoint>,
}
