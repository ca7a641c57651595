//! The actor of one private session. Thin: [`weir_session::Meeting`] decides; this feeds it with the time, with what
//! arrives of the stream and from players, and carries what it wants to the ledger and to the directory.
//!
//! Nothing of it has to survive. Whoever runs the session next begins with what directory and ledger say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, RwLock};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use weir_ledger::batch::Answer;
use weir_ledger::record::Receipt;
use weir_ledger::request::{HoldCommand, Refs};
use weir_ledger::{Refusal, Request};
use weir_model::{AccountId, ChannelName};
use weir_session::{Command, Deed, Meeting, PartyId, Session, Standing};

use super::books::{Books, Question};
use super::clock;
use super::events::Events;
use super::streams::Streams;
use super::tasks::Tasks;
use super::teller::Teller;
use crate::store::Store;

/// What a session is told.
pub enum Message {
    /// A second passed.
    Tick,
    /// The directory says that it is like this.
    Follow(Arc<Session>),
    /// What the ledger has of a bill.
    Known {
        /// Whose.
        party: PartyId,
        /// None when it never heard of it.
        bill: Option<weir_ledger::state::Session>,
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

/// What passes between a session's actor and its node, where neither waits for the other.
#[derive(Debug, Default)]
pub struct Board {
    /// How the parties stand that take part.
    pub standings: RwLock<BTreeMap<AccountId, Standing>>,
    /// When a player of theirs last played, milliseconds of the monotonic clock; taken with each tick.
    pub played: Mutex<BTreeMap<AccountId, u64>>,
}

/// What an actor starts with.
pub struct Arguments {
    /// What it needs.
    pub context: Context,
    /// What it runs.
    pub session: Arc<Session>,
    /// Under which lease.
    pub epoch: u64,
    /// What it shares with its node.
    pub board: Arc<Board>,
}

/// One session.
pub struct State {
    context: Context,
    meeting: Meeting,
    board: Arc<Board>,
    /// Bytes of the stream when it was last looked at.
    bytes: u64,
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
        let Arguments { context, session, epoch, board } = arguments;
        // The first look is now, and not when the first second has passed.
        myself.cast(Message::Tick)?;
        let bytes = bytes_of(&context, &session.channel);
        let meeting = Meeting::new(session, epoch);
        Ok(State { context, meeting, board, bytes })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let now_ms = clock::monotonic_ms();
        match message {
            Message::Tick => state.look(now_ms),
            Message::Follow(session) => state.meeting.follow(session),
            Message::Known { party, bill } => state.meeting.known(party, bill.as_ref()),
            Message::Answered { party, result } => state.meeting.answered(party, result),
            Message::Unanswered { party } => {
                state.meeting.unanswered(party);
                return Ok(());
            }
        }
        for deed in state.meeting.tick(now_ms, clock::now()) {
            if deed == Deed::Yield {
                myself.stop(Some("a later owner runs the session".into()));
                return Ok(());
            }
            state.carry(deed, &myself);
        }
        state.show();
        Ok(())
    }
}

impl State {
    /// Media that arrived since the last look is evidence of this moment; players said when they played.
    fn look(&mut self, now_ms: u64) {
        for (account, at_ms) in std::mem::take(&mut *self.board.played.lock()) {
            self.meeting.played(account, at_ms);
        }
        let bytes = bytes_of(&self.context, &self.meeting.session().channel);
        if std::mem::replace(&mut self.bytes, bytes) < bytes {
            self.meeting.sent(now_ms);
        }
    }

    fn show(&self) {
        let session = self.meeting.session();
        let present = session.present();
        let standing = present.filter_map(|(id, party)| {
            self.meeting.standing(id).map(|standing| (party.account, standing))
        });
        *self.board.standings.write() = standing.collect();
    }

    fn carry(&self, deed: Deed, myself: &ActorRef<Message>) {
        match deed {
            Deed::Look { party, bill } => self.ask_bill(party, bill, myself.clone()),
            Deed::Ask { party, command } => self.ask(party, command, myself.clone()),
            Deed::Change(command) => self.change(command),
            Deed::Begin => {
                // Never before what an earlier session left: who hears of both takes the later segment for newer.
                let left = self.context.store.shade(&self.meeting.session().channel).from;
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
        self.meeting.session().id
    }

    /// The number of the segment that is being made, or would be.
    fn open_msn(&self) -> u64 {
        let channel = &self.meeting.session().channel;
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
        let session = self.meeting.session();
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
        let session = self.meeting.session();
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

fn bytes_of(context: &Context, channel: &ChannelName) -> u64 {
    let public = context.streams.public(channel);
    public.map_or(0, |public| public.gauge.bytes.load(Ordering::Relaxed))
}
