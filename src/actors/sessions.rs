//! The private sessions of the cluster as one node sees them: which of them it runs, and how players reach the others.
//!
//! The directory says what sessions there are and who has a stream; [`beside_stream`] says from that which node has to
//! run one. [`keep`] makes it so here: it claims the session's lease and starts its actor, or lets go of what is
//! another node's. What players of this node prove goes to whoever runs their session ([`beats`]).

mod beats;
mod board;
mod keep;
mod news;
mod ticks;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use ractor::{Actor, ActorRef};
use weir_cluster::placement::beside_stream;
use weir_ledger::Amount;
use weir_ledger::meter::Halt;
use weir_model::{AccountId, ActorId, ActorKind, ApiError, ErrorCode, NodeId, SessionId};
use weir_session::{Command, Session, Standing};

use super::clock;
use super::membership::Membership;
use super::session::{Context, Message, Meter};
use super::supervisor::{self, Supervisor};
use crate::link::Link;
use crate::store::StoreError;
use beats::Beats;

pub use board::Standings;
pub use news::change;

/// What sessions need of the node.
pub struct Parts {
    /// What each of them needs.
    pub context: Context,
    /// The way to other nodes.
    pub link: Link,
    /// This node among them.
    pub membership: Membership,
}

/// Figures for operators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Who takes part in a session of this node and is not billed at the moment.
    pub paused: u64,
    /// Signs of players that there was no room for.
    pub beats_dropped: u64,
}

/// All sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    context: Context,
    link: Link,
    membership: Membership,
    node: NodeId,
    running: RwLock<BTreeMap<SessionId, Running>>,
    beats: Beats,
    supervisor: ActorRef<supervisor::Message>,
}

/// A session that this node runs.
struct Running {
    actor: ActorRef<Message>,
    epoch: u64,
    /// As its actor knows it.
    session: Arc<Session>,
    meter: Arc<Meter>,
}

impl Running {
    fn is_gone(&self) -> bool {
        self.actor.get_status() >= ractor::ActorStatus::Stopping
    }
}

impl Sessions {
    /// Runs what this node has to run from now on.
    ///
    /// # Errors
    /// When the supervisor cannot be started.
    pub async fn start(parts: Parts) -> Result<Self, ractor::SpawnErr> {
        let Parts { context, link, membership } = parts;
        let (supervisor, _) = Actor::spawn(None, Supervisor, context.events.clone()).await?;
        let inner = Arc::new(Inner {
            node: membership.node(),
            context,
            link,
            membership,
            running: RwLock::default(),
            beats: Beats::default(),
            supervisor,
        });
        beats::serve(&inner);
        board::serve(&inner);
        let tasks = inner.context.tasks.clone();
        let own = Arc::clone(&inner);
        tasks.spawn("session beats", |handle| beats::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("session clock", |handle| ticks::run(own, handle));
        let own = Arc::clone(&inner);
        tasks.spawn("session placement", |handle| keep::run(own, handle));
        Ok(Self { inner })
    }

    /// A player of `account` takes or plays the session's stream right now.
    pub fn played(&self, session: SessionId, account: AccountId) {
        let now_ms = clock::monotonic_ms();
        if let Some(running) = self.inner.running.read().get(&session) {
            running.meter.played(account, now_ms);
            return;
        }
        let known = self.inner.context.store.session(session);
        if known.is_some_and(|session| session.party_of(account).is_some()) {
            self.inner.beats.note(session, account, now_ms);
        }
    }

    /// How an account stood a moment ago; none when whoever runs the session has not said it to this node.
    #[must_use]
    pub fn standing(&self, session: SessionId, account: AccountId) -> Option<Standing> {
        if let Some(running) = self.inner.running.read().get(&session) {
            return running.meter.standing(account);
        }
        self.inner.beats.heard(session, account, clock::monotonic_ms())
    }

    /// How the parties of a session stand that this node runs.
    #[must_use]
    pub fn board(&self, session: SessionId) -> Option<BTreeMap<AccountId, Standing>> {
        let running = self.inner.running.read();
        running.get(&session).map(|running| running.meter.standings())
    }

    /// Its figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let running = self.inner.running.read();
        let paused = running.values().map(|one| {
            let standings = one.meter.standings();
            standings.values().filter(|standing| standing.paused.is_some()).count() as u64
        });
        Figures { paused: paused.sum(), beats_dropped: self.inner.beats.dropped() }
    }

    /// Changes one, and tells what that brought about.
    ///
    /// # Errors
    /// When the rules forbid it, or the cluster takes no changes.
    pub async fn change(&self, command: Command) -> Result<Arc<Session>, StoreError> {
        let Context { store, events, .. } = &self.inner.context;
        change(store, events, command, &[]).await
    }

    /// Lets `account` join at the price `shown`, for `cap` at most. Its money is reserved by whoever runs the session.
    ///
    /// # Errors
    /// When it may not join.
    pub async fn join(
        &self,
        session: SessionId,
        account: AccountId,
        (price, shown): (u8, weir_session::Price),
        cap: Amount,
    ) -> Result<Arc<Session>, ApiError> {
        let at = clock::now();
        let join = Command::Join { session, account, price, shown, cap, at };
        Ok(self.change(join).await?)
    }

    /// Takes `account` out of a session. Leaving twice changes nothing.
    ///
    /// # Errors
    /// When there is no such session, or the account takes no part in it.
    pub async fn leave(
        &self,
        session: SessionId,
        account: AccountId,
        why: Halt,
    ) -> Result<Arc<Session>, ApiError> {
        let known = self.inner.context.store.session(session);
        let known = known.ok_or_else(|| no_session(session))?;
        let Some((party, _)) = known.party_of(account) else {
            return match known.parties.iter().any(|party| party.account == account) {
                true => Ok(known),
                false => Err(ApiError::new(
                    ErrorCode::NotFound,
                    "this account takes no part in the session",
                )),
            };
        };
        let leave = Command::Leave { session, party, why, at: clock::now() };
        Ok(self.change(leave).await?)
    }
}

impl Inner {
    /// The node that has to run a session.
    fn place_of(&self, session: &Session) -> Option<NodeId> {
        beside_stream(&self.context.store.cluster(), &actor_of(session)?)
    }
}

fn actor_of(session: &Session) -> Option<ActorId> {
    let key = format!("{}/{}", session.channel, session.id).parse().ok()?;
    Some(ActorId::new(ActorKind::Session, key))
}

fn no_session(id: SessionId) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no session {id}"))
        .hint("`weir session list` shows the sessions there are")
}
