//! L5. Configuration, assembly in order, stop, metrics, logs.

pub mod args;
pub mod check;
pub mod config;
pub mod directory;
#[cfg(feature = "fault")]
mod faults;
pub mod joining;
mod local;
pub mod logs;
mod mesh;
mod metrics;
mod operate;
mod process;
mod profile;
pub mod signal;
mod status;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::net::TcpListener;
use weir_model::Roles;
use weir_model::local::Homes;
use weir_model::node::Endpoint;

use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::membership::Membership;
use crate::actors::placement::{self, Placement};
use crate::actors::slots::Slots;
use crate::actors::stages::Stages;
use crate::actors::streams::{self, Streams};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::Viewings;
use crate::store::Store;
use crate::{api, edge, ingest};
use config::{Config, ListenConfig};
use joining::Joining;

/// Loops that did not end within this when the node stops are left to the process's end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A node opens its doors when the cluster counts on it, or after this: what it holds it can serve anyway.
const ENTERED_MAX: Duration = Duration::from_secs(3);

/// A running node.
pub struct Node {
    tasks: Tasks,
    streams: Streams,
    mesh: mesh::Mesh,
    membership: Membership,
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
    pub async fn start(
        config: Config,
        joining: Option<Joining>,
        data: PathBuf,
        homes: &Homes,
    ) -> Result<Self, String> {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tls = tls::load(&config.tls)?;
        let listeners = Listeners::bind(&config.listen, tls.is_some()).await?;
        let store = open_store(&data).await?;
        let (events, tasks, registry) = (Events::new(), Tasks::new(), Registry::new());
        let viewings = Viewings::new(events.clone(), config.edge.viewings());
        let endpoints = listeners.endpoints()?;
        let of = profile::Of { config: &config, endpoints: &endpoints, store: &store };
        let (mut profile, place) = of.profile(&data).await?;
        let mesh = mesh::Mesh::start(place.as_ref(), joining, &store, &events, &tasks).await?;
        profile.roles = mesh.granted(profile.roles);
        let (roles, address) = (profile.roles, profile.link.clone());
        let load = profile::Load::default();
        let membership = mesh.take_part(&store, &events, &tasks, profile, load.sampler());
        let stages = Stages::new(config.stream.streams().window);
        let placement = Placement::new(placement::Parts {
            config: config.stream.placement(),
            store: store.clone(),
            link: mesh.link.clone(),
            membership: membership.clone(),
            stages: stages.clone(),
            tasks: tasks.clone(),
            events: events.clone(),
        });
        let context = streams::Context {
            config: config.stream.streams(),
            events: events.clone(),
            store: store.clone(),
            tasks: tasks.clone(),
            viewings: viewings.clone(),
            stages,
            owner: Arc::new(placement.clone()),
        };
        let streams = Streams::start(context).await.map_err(|error| error.to_string())?;
        load.of(&streams, &viewings);
        placement.attach(&streams);
        if !membership.entered(ENTERED_MAX).await {
            tracing::warn!(
                "the cluster has not answered yet; publishers are refused until it does"
            );
        }
        let local = local::NodeFile::write(homes, &endpoints, &data);
        let cluster = operators(&store, &streams, &mesh, &membership, address);
        let parts = Parts {
            config,
            roles,
            cluster,
            store,
            events,
            tasks,
            viewings,
            streams,
            placement,
            registry,
            endpoints,
        };
        parts.serve(listeners, tls)?;
        let Parts { tasks, streams, endpoints, .. } = parts;
        Ok(Self { tasks, streams, mesh, membership, endpoints, local })
    }

    /// Tells whoever started the node where it listens: one line on standard output.
    pub fn print_ready(&self) {
        let list: Vec<String> =
            self.endpoints.iter().map(|one| format!("{}={}", one.name, one.url)).collect();
        println!("ready {}", list.join(" "));
    }

    /// Ends connections and loops, and shows too unless another node can go on with them, at most [`STOP_LIMIT`].
    pub async fn stop(self) {
        tracing::info!("stopping");
        if self.membership.has_successor() {
            self.streams.leave().await;
            self.membership.leave().await;
        } else {
            self.streams.close().await;
        }
        self.mesh.stop().await;
        self.tasks.shutdown(STOP_LIMIT).await;
        self.local.remove();
        tracing::info!("stopped");
    }
}

/// What the doors are made of.
struct Parts {
    config: Config,
    roles: Roles,
    cluster: Arc<dyn api::Cluster>,
    store: Store,
    events: Events,
    tasks: Tasks,
    viewings: Viewings,
    streams: Streams,
    placement: Placement,
    registry: Registry,
    endpoints: Vec<Endpoint>,
}

impl Parts {
    fn serve(&self, listeners: Listeners, tls: Option<tls::Acceptors>) -> Result<(), String> {
        let registration = |error: prometheus::Error| format!("metrics: {error}");
        let (https, rtmps) = tls.map(|tls| (tls.https, tls.rtmps)).unzip();
        self.viewings.run(&self.tasks);
        let metrics = metrics::Metrics::new(self.registry.clone()).map_err(registration)?;
        let edge = Arc::new(self.edge().map_err(|error| error.to_string())?);
        edge::gauges::run(&edge);
        edge::listen(&edge, listeners.http, None);
        if let Some((listener, tls)) = listeners.https.zip(https) {
            edge::listen(&edge, listener, Some(tls));
        }
        let ingest = ingest::rtmp::Context {
            streams: self.streams.clone(),
            events: self.events.clone(),
            tasks: self.tasks.clone(),
            metrics: ingest::metrics::Metrics::new(&self.registry).map_err(registration)?,
            config: self.config.rtmp,
        };
        ingest::rtmp::spawn(listeners.rtmp, None, ingest.clone());
        if let Some((listener, tls)) = listeners.rtmps.zip(rtmps) {
            ingest::rtmp::spawn(listener, Some(tls), ingest);
        }
        self.serve_operators(metrics, listeners.api, listeners.metrics);
        Ok(())
    }

    fn edge(&self) -> Result<edge::Context, Box<dyn std::error::Error>> {
        Ok(edge::Context {
            config: self.config.edge.clone(),
            lookup: Box::new(edge::NodeLookup {
                streams: self.streams.clone(),
                placement: self.placement.clone(),
                store: self.store.clone(),
            }),
            viewings: self.viewings.clone(),
            events: self.events.clone(),
            tasks: self.tasks.clone(),
            metrics: edge::Metrics::new(&self.registry)?,
            tickets: edge::ticket::Tickets::new()?,
            slots: Slots::new(
                self.config.edge.connections_max,
                self.config.edge.connections_per_address_max,
            ),
        })
    }

    fn serve_operators(&self, metrics: metrics::Metrics, api: TcpListener, scrape: TcpListener) {
        let sources = metrics::Sources {
            streams: self.streams.clone(),
            viewings: self.viewings.clone(),
            events: self.events.clone(),
            store: self.store.clone(),
            tasks: self.tasks.clone(),
        };
        self.tasks
            .spawn("metrics listener", |handle| metrics::serve(scrape, metrics, sources, handle));
        let source = status::Source {
            name: self.config.node.name.clone().unwrap_or_else(|| self.store.node().name),
            roles: self.roles,
            started_at: clock::now(),
            endpoints: self.endpoints.clone(),
            store: self.store.clone(),
            streams: self.streams.clone(),
            viewings: self.viewings.clone(),
            tasks: self.tasks.clone(),
        };
        let address = |name: &str| {
            let found = self.endpoints.iter().find(|one| one.name == name);
            found.map(|one| one.url.clone()).unwrap_or_default()
        };
        let addresses = api::Addresses { publish: address("rtmp"), viewers: address("http") };
        let context = api::Context::new(
            self.store.clone(),
            Arc::new((self.streams.clone(), self.viewings.clone())),
            Arc::clone(&self.cluster),
            self.events.clone(),
            self.tasks.clone(),
            Arc::new(move || Box::pin(std::future::ready(source.status()))),
            addresses,
        );
        self.tasks.spawn("api listener", |_| api::serve(api, context));
    }
}

/// The cluster as its operators ask for it at this node.
fn operators(
    store: &Store,
    streams: &Streams,
    mesh: &mesh::Mesh,
    membership: &Membership,
    link: String,
) -> Arc<dyn api::Cluster> {
    let copies = store.clone();
    Arc::new(operate::Operate {
        store: store.clone(),
        mesh: mesh.clone(),
        membership: membership.clone(),
        link,
        copies: Box::new(move || operate::origins(&copies.cluster())),
        mover: Arc::new(operate::Away::start(store.clone(), streams.clone(), mesh.link.clone())),
    })
}

impl Listeners {
    async fn bind(config: &ListenConfig, tls: bool) -> Result<Self, String> {
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
    fn endpoints(&self) -> Result<Vec<Endpoint>, String> {
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

/// Opens the store on a thread that may block.
async fn open_store(data: &Path) -> Result<Store, String> {
    let dir = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::open(&dir, clock::now())).await;
    opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
