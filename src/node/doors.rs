//! What people and programs reach a node by: publishers, viewers, operators, scrapers.

use std::sync::Arc;

use prometheus::Registry;
use tokio::net::TcpListener;
use weir_model::Roles;
use weir_model::node::Endpoint;

use super::config::Config;
use super::listeners::Listeners;
use super::ready::Ready;
use super::{metrics, status, tls};
use crate::actors::audit::Recorder;
use crate::actors::books::Books;
use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::people::People;
use crate::actors::placement::Placement;
use crate::actors::providers::Providers;
use crate::actors::reach::Reach;
use crate::actors::sessions::Sessions;
use crate::actors::slots::Slots;
use crate::actors::streams::Streams;
use crate::actors::tasks::Tasks;
use crate::actors::teller::Teller;
use crate::actors::viewings::Viewings;
use crate::store::Store;
use crate::store::ledger::Ledger;
use crate::{api, edge, ingest};

/// What the doors are made of.
pub(super) struct Doors {
    pub(super) config: Config,
    pub(super) roles: Roles,
    pub(super) ready: Ready,
    pub(super) cluster: Arc<dyn api::Cluster>,
    pub(super) books: Books,
    pub(super) teller: Teller,
    pub(super) providers: Providers,
    pub(super) ledger: Option<Ledger>,
    pub(super) sessions: Sessions,
    pub(super) sample: Arc<dyn Fn() -> metrics::Sample + Send + Sync>,
    pub(super) store: Store,
    pub(super) events: Events,
    pub(super) tasks: Tasks,
    pub(super) viewings: Viewings,
    pub(super) streams: Streams,
    pub(super) placement: Placement,
    pub(super) reach: Reach,
    pub(super) registry: Registry,
    pub(super) endpoints: Vec<Endpoint>,
}

impl Doors {
    /// Opens all of them.
    ///
    /// # Errors
    /// When metrics cannot be registered or the system gives no randomness.
    pub(super) fn serve(
        &self,
        listeners: Listeners,
        tls: Option<tls::Acceptors>,
    ) -> Result<(), String> {
        let registration = |error: prometheus::Error| format!("metrics: {error}");
        let (https, rtmps) = tls.map(|tls| (tls.https, tls.rtmps)).unzip();
        self.viewings.run(&self.tasks);
        let metrics = metrics::Metrics::new(self.registry.clone()).map_err(registration)?;
        let (config, store) = (self.config.people, self.store.clone());
        let people = People::new(config, store, self.events.clone(), &self.registry);
        let people = people.map_err(registration)?;
        let edge = Arc::new(self.edge(&people).map_err(|error| error.to_string())?);
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
        let playback: api::PlaybackFn = Arc::new(move |channel, standing, until| {
            let issued = edge.tickets.issue_until(channel, Some(standing), until);
            issued.map(|issued| issued.value).map_err(|error| error.to_string())
        });
        self.serve_operators(people, metrics, playback, (listeners.api, listeners.metrics));
        Ok(())
    }

    fn edge(&self, people: &People) -> Result<edge::Context, Box<dyn std::error::Error>> {
        Ok(edge::Context {
            config: self.config.edge.clone(),
            lookup: Box::new(edge::NodeLookup {
                streams: self.streams.clone(),
                placement: self.placement.clone(),
                store: self.store.clone(),
            }),
            viewings: self.viewings.clone(),
            people: people.clone(),
            meetings: Box::new(edge::meet::NodeMeetings::new(
                self.store.clone(),
                self.sessions.clone(),
                self.books.clone(),
            )),
            events: self.events.clone(),
            tasks: self.tasks.clone(),
            metrics: edge::Metrics::new(&self.registry)?,
            tickets: edge::ticket::Tickets::new({
                let store = self.store.clone();
                move || store.ticket_key()
            }),
            slots: Slots::new(
                self.config.edge.connections_max,
                self.config.edge.connections_per_address_max,
            ),
            away: {
                let ready = self.ready.clone();
                Box::new(move || ready.away())
            },
        })
    }

    fn serve_operators(
        &self,
        people: People,
        metrics: metrics::Metrics,
        playback: api::PlaybackFn,
        (api, scrape): (TcpListener, TcpListener),
    ) {
        let sources = metrics::Sources {
            streams: self.streams.clone(),
            viewings: self.viewings.clone(),
            events: self.events.clone(),
            store: self.store.clone(),
            tasks: self.tasks.clone(),
            cluster: Arc::clone(&self.sample),
            money: {
                let (teller, sessions) = (self.teller.clone(), self.sessions.clone());
                let ledger = self.ledger.clone();
                Arc::new(move || metrics::Asked::of(teller.figures(), ledger.as_ref(), &sessions))
            },
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
        let context = api::Context::new(api::Parts {
            store: self.store.clone(),
            live: Arc::new(self.reach.clone()),
            cluster: Arc::clone(&self.cluster),
            money: Arc::new(api::Cashier::new(&self.books, &self.teller)),
            audit: Arc::new(Recorder::new(self.teller.clone())),
            boards: Arc::new(self.sessions.clone()),
            fee_bps: self.config.ledger.fee_bps,
            approve_above: self.config.ledger.approve_above.clone(),
            playback,
            providers: self.providers.clone(),
            events: self.events.clone(),
            people,
            tasks: self.tasks.clone(),
            status: Arc::new(move || Box::pin(std::future::ready(source.status()))),
            addresses,
        });
        self.tasks.spawn("api listener", |_| api::serve(api, context));
    }
}
