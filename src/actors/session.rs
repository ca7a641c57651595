//! The actor of one private session. Thin: [`weir_session::Meeting`] decides; this feeds it with the time, with what
//! arrives of the stream and from players, and carries what it wants to the ledger and to the directory.
//!
//! Nothing of it has to survive. Whoever runs the session next begins with what directory and ledger say.

mod meter;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use weir_ledger::batch::Answer;
use weir_ledger::record::Receipt;
use weir_ledger::request::{HoldCommand, Refs};
use weir_ledger::{Refusal, Request};
use weir_model::ChannelName;
use weir_session::{Command, Deed, PartyId, Session};

use super::books::{Books, Question};
use super::clock;
use super::events::Events;
use super::streams::Streams;
use super::tasks::Tasks;
use super::teller::Teller;
use crate::store::Store;

pub use meter::Meter;

/// What a session is told.
pub enum Message {
    /// It begins: the first look is now, and not when the first second has passed.
    Begin,
    /// What a second brought about.
    Carry(Vec<Deed>),
    /// The directory says that it is like this.
    Follow(Arc<Session>),
    /// What the ledger has of a bill.
    Known {
        /// Whose.
        party: PartyId,
        /// None when it never heard of it.
        bill: Option<Box<weir_ledger::state::Session>>,
    },
    /// What the ledger says to a request.
    Answered {
        /// For whom.
        party: PartyId,
        /// What.
        result: Result<Receipt, Refusal>,
    },
    /// The ledger said nothing.
    Unanswered {
        /// For whom.
        party: PartyId,
    },
}

/// What sessions need of the node.
#[derive(Clone)]
pub struct Context {
    /// What was agreed.
    pub store: Store,
    /// The streams that are watched.
    pub streams: Streams,
    /// The way to the ledger.
    pub teller: Teller,
    /// What it says.
    pub books: Books,
    /// Where things are told.
    pub events: Events,
    /// Runs what waits.
    pub tasks: Tasks,
}

/// What an actor starts with.
pub struct Arguments {
    /// What it needs.
    pub context: Context,
    /// What it runs.
    pub session: Arc<Session>,
    /// What it shares with its node.
    pub meter: Arc<Meter>,
}

/// One session.
pub struct State {
    context: Context,
    session: Arc<Session>,
    meter: Arc<Meter>,
}

/// The actor.
pub struct SessionActor;

impl Actor for SessionActor {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Arguments { context, session, meter } = arguments;
        myself.cast(Message::Begin)?;
        Ok(State { context, session, meter })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        for deed in state.hear(message) {
            if deed == Deed::Yield {
                myself.stop(Some("a later owner runs the session".into()));
                return Ok(());
            }
            state.carry(deed, &myself);
        }
        Ok(())
    }
}

impl State {
    /// What there is to be done after `message`.
    fn hear(&mut self, message: Message) -> Vec<Deed> {
        if let Message::Follow(session) = &message {
            self.session = Arc::clone(session);
        }
        self.meter.hear(|meeting| {
            match message {
                Message::Begin => {}
                Message::Carry(deeds) => return deeds,
                Message::Follow(session) => meeting.follow(session),
                Message::Known { party, bill } => meeting.known(party, bill.as_deref()),
                Message::Answered { party, result } => meeting.answered(party, result),
                Message::Unanswered { party } => {
                    // Asked again with the next second.
                    meeting.unanswered(party);
                    return Vec::new();
                }
            }
            meeting.tick(clock::monotonic_ms(), clock::now())
        })
    }

    fn carry(&self, deed: Deed, myself: &ActorRef<Message>) {
        match deed {
            Deed::Look { party, bill } => self.ask_bill(party, bill, myself.clone()),
            Deed::Ask { party, command } => self.ask(party, command, myself.clone()),
            Deed::Change(command) => self.change(command),
            Deed::Begin => {
                // Never before what an earlier session left: who hears of both takes the later segment for newer.
                let left = self.context.store.shade(&self.session.channel).from;
                let (session, from, at) = (self.id(), self.open_msn().max(left), clock::now());
                self.change(Command::Begin { session, from, at });
            }
            Deed::Unveil => {
                let until = self.open_msn().saturating_add(1);
                self.change(Command::Unveil { session: self.id(), until });
            }
            Deed::Warn { party, left_s } => self.warn(party, left_s),
            Deed::Yield => {}
        }
    }

    fn id(&self) -> weir_model::SessionId {
        self.session.id
    }

    /// The number of the segment that is being made, or would be.
    fn open_msn(&self) -> u64 {
        let channel = &self.session.channel;
        let tip = self.context.streams.public(channel).and_then(|public| public.window.tip());
        match tip {
            Some(tip) => tip.next_msn.saturating_sub(1),
            None => self.context.store.next_msn(channel),
        }
    }

    fn ask_bill(&self, party: PartyId, bill: u128, myself: ActorRef<Message>) {
        let books = self.context.books.clone();
        self.context.tasks.spawn_unlisted(async move {
            match books.ask(Question::Bill { bill }).await {
                // An actor that is gone needs no answer.
                Ok(bill) => drop(myself.cast(Message::Known { party, bill })),
                // Asked again with one of the next ticks.
                Err(error) => tracing::debug!(%error, "the ledger does not say what it has"),
            }
        });
    }

    fn ask(&self, party: PartyId, command: HoldCommand, myself: ActorRef<Message>) {
        let session = &self.session;
        let Some(by) = session.party(party).map(|party| party.account) else { return };
        // Each session has one every few seconds, and goes on meanwhile.
        let is_routine = matches!(command, HoldCommand::Capture { .. });
        let request = Request {
            id: 0,
            by,
            reason: String::new(),
            refs: Refs { channel: Some(session.channel.clone()), ..Refs::default() },
            command: weir_ledger::Command::Hold(command),
        };
        let teller = self.context.teller.clone();
        self.context.tasks.spawn_unlisted(async move {
            let asked = match is_routine {
                true => teller.ask_unhurried(&request).await,
                false => teller.ask(&request).await,
            };
            let message = match asked {
                Ok(told) => {
                    let Answer { result, .. } = told.answer;
                    Message::Answered { party, result }
                }
                Err(error) => {
                    tracing::debug!(%error, "the ledger is asked again");
                    Message::Unanswered { party }
                }
            };
            // An actor that is gone needs no answer.
            let _ = myself.cast(message);
        });
    }

    fn change(&self, command: Command) {
        let Context { store, events, .. } = self.context.clone();
        let id = self.id();
        self.context.tasks.spawn_unlisted(async move {
            // What was not made is asked for again.
            if let Err(error) = super::sessions::change(&store, &events, command, &[]).await {
                tracing::warn!(session = %id, %error, "the directory did not change");
            }
        });
    }

    fn warn(&self, party: PartyId, left_s: u32) {
        let session = &self.session;
        let Some(account) = session.party(party).map(|party| party.account) else { return };
        let text = format!("{account} can pay for {left_s} more seconds");
        let fields = [
            ("session", session.id.to_string()),
            ("account", account.to_string()),
            ("seconds", left_s.to_string()),
        ];
        self.context.events.emit("session.low_balance", Some(&session.channel), text, &fields);
    }
}

/// How much of a stream has arrived on this node.
pub(super) fn bytes_of(streams: &Streams, channel: &ChannelName) -> u64 {
    let public = streams.public(channel);
    public.map_or(0, |public| public.gauge.bytes.load(Ordering::Relaxed))
}
