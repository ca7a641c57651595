//! `/metrics` on its own address, in Prometheus' text format. Reading only, no secrets, bounded labels.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::actors::events::Events;
use crate::actors::streams::Streams;
use crate::actors::tasks::{Handle, Tasks};
use crate::actors::viewings::Viewings;
use crate::store::Store;

mod cluster;
mod money;

pub(super) use cluster::Sample;
pub(super) use money::Asked;

/// Figures that are read from the node when they are asked for.
pub(super) struct Metrics {
    registry: Registry,
    cluster: cluster::Cluster,
    money: money::Money,
    streams_live: IntGauge,
    publishers: IntGauge,
    ingest_bitrate: IntGauge,
    window_bytes: IntGauge,
    viewings: IntGauge,
    viewings_refused: IntCounter,
    viewings_refused_address: IntCounter,
    viewings_refused_channel: IntCounter,
    accounts: IntGauge,
    tokens: IntGauge,
    loops: IntGaugeVec,
    store_waiting: IntGauge,
    store_writes: IntCounter,
    store_errors: IntCounter,
    store_failing: IntGauge,
    events_suppressed: IntCounter,
    scrapes_refused: IntCounter,
    scrapes_slow: IntCounter,
}

/// Where the figures come from.
#[derive(Clone)]
pub(super) struct Sources {
    /// Streams.
    pub streams: Streams,
    /// Viewers.
    pub viewings: Viewings,
    /// What happened.
    pub events: Events,
    /// What is durable.
    pub store: Store,
    /// Background loops.
    pub tasks: Tasks,
    /// The cluster, as it is whenever it is asked.
    pub cluster: Arc<dyn Fn() -> Sample + Send + Sync>,
    /// Money, the same way.
    pub money: Arc<dyn Fn() -> Asked + Send + Sync>,
}

impl Metrics {
    /// Registers the node's own figures beside those of the other folders.
    ///
    /// # Errors
    /// When a name is taken.
    pub(super) fn new(registry: Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let by_state = Opts::new("weir_loops", "Background loops by state");
        let loops = IntGaugeVec::new(by_state, &["state"])?;
        registry.register(Box::new(loops.clone()))?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            streams_live: gauge("weir_streams_live", "Open shows")?,
            publishers: gauge("weir_publishers", "Connected publishers")?,
            ingest_bitrate: gauge(
                "weir_ingest_bits_per_second",
                "Received media over the last seconds",
            )?,
            window_bytes: gauge("weir_window_bytes", "Media held in memory for viewers")?,
            viewings: gauge("weir_viewings", "Viewers right now")?,
            viewings_refused: counter(
                "weir_viewings_refused_total",
                "Requests of viewers refused because the node had as many as it may",
            )?,
            viewings_refused_address: counter(
                "weir_viewings_refused_address_total",
                "Requests of viewers refused because their address had its share",
            )?,
            viewings_refused_channel: counter(
                "weir_viewings_refused_channel_total",
                "Requests of viewers refused because their channel had its share in the cluster",
            )?,
            accounts: gauge("weir_accounts", "Accounts of the cluster")?,
            tokens: gauge("weir_tokens", "Tokens of accounts, log-ins among them")?,
            store_waiting: gauge("weir_store_waiting", "Changes that wait to become durable")?,
            store_writes: counter("weir_store_writes_total", "Changes made durable")?,
            store_errors: counter("weir_store_errors_total", "Changes that failed")?,
            store_failing: gauge(
                "weir_store_failing",
                "1 while changes are refused because the disk fails",
            )?,
            events_suppressed: counter(
                "weir_events_suppressed_total",
                "Refusals not written to the event log because there were too many",
            )?,
            scrapes_refused: counter(
                "weir_metrics_connections_refused_total",
                "Connections to this address closed at once because there were too many",
            )?,
            scrapes_slow: counter(
                "weir_metrics_connections_slow_total",
                "Connections to this address closed because they took too long",
            )?,
            loops,
            cluster: cluster::Cluster::new(&registry)?,
            money: money::Money::new(&registry)?,
            registry,
        })
    }

    fn text(&self, sources: &Sources) -> Result<Vec<u8>, prometheus::Error> {
        let totals = sources.streams.totals();
        self.streams_live.set(signed(totals.live));
        self.publishers.set(signed(totals.publishers));
        self.ingest_bitrate.set(signed(totals.bitrate));
        self.window_bytes.set(signed(totals.window_bytes));
        self.viewings.set(signed(sources.viewings.total()));
        let viewings = sources.viewings.totals();
        set(&self.viewings_refused, viewings.refused);
        set(&self.viewings_refused_address, viewings.refused_address);
        set(&self.viewings_refused_channel, viewings.refused_channel);
        let (accounts, tokens) = sources.store.count_people();
        self.accounts.set(signed(accounts as u64));
        self.tokens.set(signed(tokens as u64));
        let store = sources.store.loop_info();
        self.store_waiting.set(signed(store.queue));
        set(&self.store_writes, store.done);
        set(&self.store_errors, store.errors);
        self.store_failing.set(i64::from(sources.store.is_failing()));
        set(&self.events_suppressed, sources.events.suppressed());
        self.cluster.show(&(sources.cluster)());
        self.money.show(&(sources.money)(), &sources.store.open_sessions());
        self.loops.reset();
        for one in sources.tasks.list() {
            let state = format!("{:?}", one.state).to_lowercase();
            self.loops.with_label_values(&[&state]).inc();
        }
        let mut text = Vec::with_capacity(16 << 10);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Brings a counter to a total that is kept elsewhere.
fn set(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// Connections to `/metrics` at the same time: a few scrapers and a person. Further ones are closed.
const CONNECTIONS_MAX: usize = 16;

/// A scrape takes milliseconds. A connection carries one and is closed after this time, whether its request
/// or its answer is slow.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// Pause after a failed accept, so that a node out of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `/metrics` until the node stops.
pub(super) async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    sources: Sources,
    handle: Handle,
) {
    let tasks = sources.tasks.clone();
    let metrics = Arc::new(metrics);
    let app =
        Router::new().route("/metrics", get(answer)).with_state((Arc::clone(&metrics), sources));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = handle.stopping() => return,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                handle.error(error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics.scrapes_refused.inc();
            continue;
        };
        handle.idle(1);
        let (app, metrics, handle) = (app.clone(), Arc::clone(&metrics), handle.clone());
        tasks.spawn_unlisted(async move {
            tokio::select! {
                () = scrape(socket, app, &metrics) => {}
                () = handle.stopping() => {}
            }
            drop(place);
        });
    }
}

async fn scrape(socket: TcpStream, app: Router, metrics: &Metrics) {
    let mut server = http1::Builder::new();
    // Its one deadline covers the head too.
    server.keep_alive(false);
    let connection = server.serve_connection(TokioIo::new(socket), TowerToHyperService::new(app));
    // A broken connection is its scraper's affair.
    if tokio::time::timeout(CONNECTION_TIME, connection).await.is_err() {
        metrics.scrapes_slow.inc();
    }
}

async fn answer(State((metrics, sources)): State<(Arc<Metrics>, Sources)>) -> Response {
    match metrics.text(&sources) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests;
