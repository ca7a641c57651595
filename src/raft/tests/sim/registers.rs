//! What the simulated nodes keep: a ledger, a few registers, and the replies that tell a repeated request from a new one.

use std::collections::{BTreeMap, HashMap};

use super::super::*;
use super::money::{Books, Packed};

/// What a client asks of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Op {
    Read,
    /// Puts a value.
    Put(u64),
    /// Puts the second value where the first is.
    Swap(u64, u64),
}

impl Op {
    /// What the register holds afterwards.
    pub(super) fn apply(self, held: u64) -> u64 {
        match self {
            Self::Put(value) => value,
            Self::Swap(from, value) if from == held => value,
            Self::Read | Self::Swap(..) => held,
        }
    }
}

/// A request of a client: which register, and what of it.
pub(super) type Command = (u8, Op);

#[derive(Default, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    values: BTreeMap<u8, u64>,
    replies: Vec<(RequestId, u64)>,
    #[serde(skip)]
    known: HashMap<RequestId, u64>,
    #[serde(skip)]
    place: Option<Vec<u8>>,
    #[serde(skip)]
    pub(super) books: Books,
}

/// The machine; its state is a power cut away from an older one.
#[derive(Default)]
pub(super) struct Registers(pub(super) Mutex<State>);

impl Registers {
    pub(super) fn of(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(super) fn read(&self, register: u8) -> u64 {
        self.0.lock().values.get(&register).copied().unwrap_or_default()
    }

    pub(super) fn values(&self) -> BTreeMap<u8, u64> {
        self.0.lock().values.clone()
    }
}

impl State {
    /// Makes a request once, and answers with what the register held before.
    fn make(&mut self, request: &Request) -> Reply {
        if let Some(answers) = self.books.make(request) {
            return answers;
        }
        let (register, op): Command = serde_json::from_str(request.command.get()).unwrap();
        let before = self.known.get(&request.id).copied().unwrap_or_else(|| {
            let held = self.values.entry(register).or_default();
            let before = *held;
            *held = op.apply(before);
            self.known.insert(request.id, before);
            self.replies.push((request.id, before));
            before
        });
        serde_json::value::to_raw_value(&before).unwrap()
    }
}

impl Machine for Registers {
    fn place(&self) -> Result<Option<Vec<u8>>, MachineError> {
        Ok(self.0.lock().place.clone())
    }

    fn apply(
        &self,
        entries: Vec<Committed>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<Vec<Vec<Reply>>, MachineError>> {
        let mut state = self.0.lock();
        state.place = Some(place);
        let requests = |entry: Committed| entry.requests;
        let of_entry =
            |requests: Vec<Request>| requests.iter().map(|one| state.make(one)).collect();
        let replies = entries.into_iter().map(requests).map(of_entry).collect();
        Box::pin(std::future::ready(Ok(replies)))
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let state = self.0.lock();
        Ok(serde_json::to_vec(&(&*state, state.books.pack())).unwrap())
    }

    fn install(
        &self,
        state: Arc<Vec<u8>>,
        place: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), MachineError>> {
        let (mut read, books): (State, Packed) = serde_json::from_slice(&state).unwrap();
        read.books = Books::unpack(books);
        read.known = read.replies.iter().copied().collect();
        read.place = Some(place);
        *self.0.lock() = read;
        Box::pin(std::future::ready(Ok(())))
    }
}
