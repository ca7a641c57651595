//! L5. Configuration, assembly in order, stop, metrics, logs.

pub mod args;
mod books;
pub mod check;
pub mod config;
pub mod directory;
pub mod disk;
mod doors;
#[cfg(feature = "fault")]
mod faults;
pub mod joining;
mod listeners;
mod local;
pub mod logs;
pub mod machine;
pub mod mesh;
mod metrics;
mod operate;
mod process;
mod profile;
mod ready;
pub mod signal;
mod status;
mod tls;
mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use weir_ledger::Currency;
use weir_ledger::row::Founding;
use weir_model::local::Homes;
use weir_model::node::Endpoint;

use crate::actors::audience::Audience;
use crate::actors::books::Books;
use crate::actors::clock;
use crate::actors::events::Events;
use crate::actors::membership::Membership;
use crate::actors::passes;
use crate::actors::placement::{self, Placement};
use crate::actors::providers::{Providers, outbox};
use crate::actors::reach::{self, Reach};
use crate::actors::session;
use crate::actors::sessions::{self, Sessions};
use crate::actors::stages::Stages;
use crate::actors::streams::{self, Streams};
use crate::actors::tasks::Tasks;
use crate::actors::teller::found;
use crate::actors::viewings::Viewings;
use crate::store::Store;
use config::Config;
use doors::Doors;
use joining::Joining;
use listeners::Listeners;
use mesh::Mesh;
use operate::{Away, Operate};
use ready::Ready;

/// Loops that did not end within this when the node stops are left to the process's end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A node opens its doors when the cluster counts on it, or after this: what it holds it can serve anyway.
const ENTERED_MAX: Duration = Duration::from_secs(3);

/// What a start does once, beside running the node.
#[derive(Debug, Clone, Default)]
pub struct Errands {
    /// The cluster to join, for a node that is in none.
    pub joining: Option<Joining>,
    /// The operator's token is replaced.
    pub new_operator_token: bool,
}

/// A running node.
pub struct Node {
    tasks: Tasks,
    streams: Streams,
    mesh: Mesh,
    membership: Membership,
    ready: Ready,
    endpoints: Vec<Endpoint>,
    local: local::NodeFile,
}

impl Node {
    /// Starts everything in order: store, actors, then the doors from the inside out.
    ///
    /// # Errors
    /// One sentence that says what could not be had and what to do.
    pub async fn start(
        config: Config,
        errands: Errands,
        data: PathBuf,
        homes: &Homes,
    ) -> Result<Self, String> {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tls = tls::load(&config.tls)?;
        let listeners = Listeners::bind(&config.listen, tls.is_some()).await?;
        let store = open_store(&data).await?;
        let (events, tasks, registry) = (Events::new(), Tasks::new(), Registry::new());
        let viewings =
            Viewings::within(events.clone(), config.edge.viewings(), config.edge.shared());
        let endpoints = listeners.endpoints()?;
        let of = profile::Of { config: &config, endpoints: &endpoints, store: &store };
        let (mut profile, place) = of.profile(&data).await?;
        token::tell_of_replacements(&store, &events, &tasks);
        let mesh = Mesh::start(place.as_ref(), errands.joining, &store, &events, &tasks).await?;
        if errands.new_operator_token {
            token::replace(&mesh, &store, &events, &tasks)?;
        }
        profile.roles = mesh.granted(profile.roles);
        let (roles, address) = (profile.roles, profile.link.clone());
        let load = profile::Load::default();
        let membership = mesh.take_part(&store, &events, &tasks, profile, load.sampler());
        let (placement, streams, reach) =
            actors(&config, &store, &events, &tasks, &viewings, &mesh, &membership).await?;
        load.of(&streams, &viewings, &mesh.disk);
        if !membership.entered(ENTERED_MAX).await {
            tracing::warn!(
                "the cluster has not answered yet; publishers are refused until it does"
            );
        }
        let ready = Ready::new(&store, &membership, &mesh.link, roles);
        let local = local::NodeFile::write(homes, &endpoints, &data);
        let cluster = operate(&store, &mesh, &membership, (&placement, &streams), address);
        let of = (store.clone(), mesh.clone(), membership.clone(), placement.clone());
        let sample = Arc::new(move || metrics::Sample::of(&of.0, &of.1, &of.2, &of.3));
        let providers = pay(&config, &mesh, &tasks).await?;
        let currency = config.ledger.currency().map_err(|error| error.to_string())?;
        let books = books(&mesh, &store, &tasks, currency).await;
        let sessions = (store.clone(), streams.clone(), books.clone(), events.clone());
        let sessions = private(sessions, &tasks, &mesh, &membership).await?;
        passes(&mesh, (&store, &events), config.ledger.fee_bps, &tasks);
        let doors = Doors {
            config,
            roles,
            ready: ready.clone(),
            cluster,
            books,
            teller: mesh.teller.clone(),
            providers,
            ledger: mesh.ledger.clone(),
            sessions,
            sample,
            store,
            events,
            tasks,
            viewings,
            streams,
            placement,
            reach,
            registry,
            endpoints,
        };
        doors.serve(listeners, tls)?;
        let Doors { tasks, streams, endpoints, .. } = doors;
        Ok(Self { tasks, streams, mesh, membership, ready, endpoints, local })
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
        self.ready.stop();
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

/// The streams of this node, their place among those of other nodes, and the way to all of them.
async fn actors(
    config: &Config,
    store: &Store,
    events: &Events,
    tasks: &Tasks,
    viewings: &Viewings,
    mesh: &Mesh,
    membership: &Membership,
) -> Result<(Placement, Streams, Reach), String> {
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
    placement.attach(&streams);
    let (node, known) = (store.node().id, reach::known_of(store));
    let audience = Audience::start(&mesh.link, viewings, tasks, node, mesh.incarnation);
    let reach = Reach::start(node, &mesh.link, &streams, viewings, &audience, known);
    Ok((placement, streams, reach))
}

/// What operators may do with the cluster.
fn operate(
    store: &Store,
    mesh: &Mesh,
    membership: &Membership,
    (placement, streams): (&Placement, &Streams),
    link: String,
) -> Arc<Operate> {
    let sending = placement.clone();
    let send: operate::SendTo = Arc::new(move |channel, node| sending.send(channel, node));
    let mover = Away::start(store.clone(), streams.clone(), mesh.link.clone(), send);
    Arc::new(Operate {
        store: store.clone(),
        mesh: mesh.clone(),
        membership: membership.clone(),
        link,
        placement: placement.clone(),
        mover: Arc::new(mover),
    })
}

/// The private sessions that this node runs.
async fn private(
    (store, streams, books, events): (Store, Streams, Books, Events),
    tasks: &Tasks,
    mesh: &Mesh,
    membership: &Membership,
) -> Result<Sessions, String> {
    let (teller, tasks) = (mesh.teller.clone(), tasks.clone());
    let context = session::Context { store, streams, teller, books, events, tasks };
    let (link, membership) = (mesh.link.clone(), membership.clone());
    let parts = sessions::Parts { context, link, membership };
    Sessions::start(parts).await.map_err(|error| error.to_string())
}

/// Who may watch what is sold, from what the ledger says.
fn passes(mesh: &Mesh, (store, events): (&Store, &Events), fee_bps: u32, tasks: &Tasks) {
    let parts = passes::Parts {
        ledger: mesh.ledger.clone(),
        consensus: mesh.consensus.clone(),
        store: store.clone(),
        teller: mesh.teller.clone(),
        events: events.clone(),
        fee_bps,
    };
    passes::start(parts, tasks);
}

/// The ledger, founded if it was not, and the way to what it says.
async fn books(mesh: &Mesh, store: &Store, tasks: &Tasks, currency: Currency) -> Books {
    let founding = found::Parts {
        ledger: mesh.ledger.clone(),
        consensus: mesh.consensus.clone(),
        founding: Founding { ledger: books::name(mesh.trust.fingerprint()), currency },
    };
    mesh.teller.found(founding, tasks).await;
    if let Some(ledger) = &mesh.ledger {
        mesh.teller.sweep(ledger.clone(), mesh.consensus.clone(), tasks);
    }
    Books::start(mesh.ledger.clone(), &mesh.consensus, &mesh.link, store)
}

/// The payment providers, who are told of payouts from now on.
async fn pay(config: &Config, mesh: &Mesh, tasks: &Tasks) -> Result<Providers, String> {
    let configured = config.provider.clone();
    let loaded = tokio::task::spawn_blocking(move || Providers::load(&configured)).await;
    let providers = loaded.map_err(|error| error.to_string())??;
    let parts = outbox::Parts {
        ledger: mesh.ledger.clone(),
        consensus: mesh.consensus.clone(),
        teller: mesh.teller.clone(),
        providers: providers.clone(),
    };
    outbox::start(parts, tasks);
    Ok(providers)
}

/// Opens the store on a thread that may block.
async fn open_store(data: &Path) -> Result<Store, String> {
    let dir = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::open(&dir, clock::now())).await;
    opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
