//! The ledger beside the registers: clients that pay and meter by way of any node, ask again with the same id when nobody
//! answers, and note what they were told. In the end everything they were told is recorded, once, on every node.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::value::RawValue;
use weir_ledger::batch::{self, Answer};
use weir_ledger::chain::Link;
use weir_ledger::request::{
    ControlCommand, HoldCommand, IncomeCommand, PaymentCommand, Provider, Refs, Terms,
};
use weir_ledger::row::{At, Founding, HoldId};
use weir_ledger::split::{Recipient, Share, Split};
use weir_ledger::state::Done;
use weir_ledger::verify::Verifier;
use weir_ledger::{Amount, Command, Currency, Record, Request, State};
use weir_model::AccountId;

use super::super::*;
use super::dice::Dice;
use super::network::{Air, Process};

/// Who pays.
pub(super) const PAYERS: u64 = 3;
/// What a payer begins with.
const WEALTH: u64 = 10_000;
/// Blocks of a session.
const BLOCK: u64 = 100;
/// A request is given up after so many attempts; it may have been made.
const ATTEMPTS: u64 = 6;

std::thread_local! {
    /// What the wall clock says, milliseconds: the same for all nodes, and moved by chance.
    static WALL: std::cell::Cell<i64> = const { std::cell::Cell::new(1_700_000_000_000) };
}

/// The wall clock.
pub(super) fn wall() -> weir_model::Timestamp {
    weir_model::Timestamp(WALL.get())
}

/// Sets the clock by at most an hour, forwards or back.
pub(super) fn jump(dice: &mut Dice) {
    let by = dice.between(0, 7_200_000).cast_signed() - 3_600_000;
    WALL.set(WALL.get() + by);
}

/// Sets it to where every run begins.
pub(super) fn set() {
    WALL.set(1_700_000_000_000);
}

/// The ledger of a node, with the bytes and the chain of all that it recorded.
#[derive(Default, Clone)]
pub(super) struct Books {
    state: State,
    stored: Vec<(Vec<u8>, Link)>,
}

/// What a snapshot of it is made of.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Packed {
    stored: Vec<(Vec<u8>, Link)>,
}

impl Books {
    pub(super) fn pack(&self) -> Packed {
        Packed { stored: self.stored.clone() }
    }

    pub(super) fn unpack(packed: Packed) -> Self {
        let mut again = Verifier::default();
        for (bytes, link) in &packed.stored {
            again.take(bytes, *link).unwrap();
        }
        Self { state: again.into_state(), stored: packed.stored }
    }

    /// Makes a batch; its answers as text.
    pub(super) fn make(&mut self, request: &super::super::Request) -> Option<Reply> {
        let bytes = of_text(&request.command)?;
        let at = At(request.at.0.cast_unsigned() * 1_000);
        let requests = batch::read(&bytes).unwrap();
        let answers: Vec<Answer> = requests.iter().map(|one| self.execute(one, at)).collect();
        Some(to_text(&batch::write_answers(&answers).unwrap()))
    }

    fn execute(&mut self, request: &Request, at: At) -> Answer {
        let answer = |seq, replayed, result| Answer { seq, replayed, result };
        match self.state.execute(request, at).unwrap() {
            Done::Recorded(entry) => {
                let (seq, result) = (entry.record.seq, entry.record.result.clone());
                self.stored.push((entry.bytes, entry.link));
                answer(Some(seq), false, result)
            }
            Done::Replayed(seq) => answer(Some(seq), true, self.record(seq).result),
            Done::Unchanged(receipt) => answer(None, false, Ok(receipt)),
            Done::Refused(refusal) => answer(None, false, Err(refusal)),
            Done::Mismatch(seq) => panic!("another request has the id of record {seq}"),
        }
    }

    fn record(&self, seq: u64) -> Record {
        Record::read(&self.stored[seq as usize - 1].0).unwrap()
    }

    /// Everything it says of itself holds, and everything that somebody was told is in it.
    pub(super) fn check(&self, told: &[Told]) -> Result<(), String> {
        let mut verifier = Verifier::default();
        let mut asked = BTreeSet::new();
        for (bytes, link) in &self.stored {
            let entry = verifier.take(bytes, *link).map_err(|fault| fault.to_string())?;
            let Request { id, by, .. } = entry.record.request;
            if id != 0 && !asked.insert((by, id)) {
                return Err(format!("request {id} of {by} was made twice"));
            }
        }
        if verifier.head() != self.state.head() || !self.state.totals().are_even() {
            return Err("the state is not what its records make".into());
        }
        for Told { request, answer } in told {
            let Some(seq) = answer.seq else { continue };
            if seq as usize > self.stored.len() {
                return Err(format!("record {seq} was told of, and is lost"));
            }
            let record = self.record(seq);
            if record.request != *request || record.result != answer.result {
                return Err(format!("record {seq} is not the one that was told of"));
            }
        }
        Ok(())
    }

    /// Where its chain stands.
    pub(super) fn link(&self) -> Link {
        self.state.head().link
    }
}

/// What a client was told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    request: Request,
    answer: Answer,
}

fn to_text(bytes: &[u8]) -> Box<RawValue> {
    RawValue::from_string(format!("\"{}\"", BASE64_STANDARD_NO_PAD.encode(bytes))).unwrap()
}

fn of_text(text: &RawValue) -> Option<Vec<u8>> {
    let text = text.get().strip_prefix('"')?.strip_suffix('"')?;
    BASE64_STANDARD_NO_PAD.decode(text).ok()
}

/// Founds the ledger and gives everybody something, by way of `process`.
pub(super) async fn found(process: &Process) -> Result<(), String> {
    let currency = Currency::new("EUR", 2).unwrap();
    let found = ControlCommand::Found(Founding { ledger: 1, currency });
    let top_up = |user| {
        let (amount, provider) = (amount(WEALTH), Provider::MANUAL);
        IncomeCommand::TopUp { user: AccountId(user), amount, provider }
    };
    let mut requests = vec![request(0, 1, Command::Control(found))];
    requests
        .extend((1..=PAYERS).map(|user| request(user.into(), user, Command::Income(top_up(user)))));
    for request in requests {
        match send(process, &request, Duration::from_secs(10)).await {
            Some(Answer { result: Ok(_), .. }) => {}
            other => return Err(format!("the ledger is not founded: {other:?}")),
        }
    }
    Ok(())
}

/// Pays one thing after the other until `is_done`; what it was told.
pub(super) async fn payer(
    air: &Air,
    nodes: &[u64],
    mut dice: Dice,
    nth: u64,
    is_done: impl Fn() -> bool,
) -> Vec<Told> {
    let (mut told, mut meter) = (Vec::new(), Meter::default());
    for number in 100.. {
        if is_done() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(dice.between(5, 120))).await;
        let request = match dice.between(0, 9) {
            0..=3 => request(u128::from(nth) << 64 | number, nth, tip(nth, dice.between(1, 40))),
            _ => request(0, nth, Command::Hold(meter.next(nth, &mut dice))),
        };
        for _ in 0..dice.between(1, ATTEMPTS) {
            let process = dice.pick(nodes).and_then(|id| air.process(id));
            let patience = Duration::from_millis(dice.between(100, 1_500));
            let Some(process) = process else { continue };
            let answer = send(&process, &request, patience).await;
            // The last words of one that died were heard by nobody.
            let Some(answer) = answer.filter(|_| !process.life.is_over()) else { continue };
            told.push(Told { request: request.clone(), answer });
            break;
        }
    }
    told
}

async fn send(process: &Process, request: &Request, patience: Duration) -> Option<Answer> {
    let bytes = batch::write(std::slice::from_ref(request)).unwrap();
    let reply = process.consensus.propose_batch(to_text(&bytes), patience).await.ok()?;
    batch::read_answers(&of_text(&reply)?).unwrap().pop()
}

/// A session that is metered: a block is reserved, taken by and by, and closed.
#[derive(Default)]
struct Meter {
    session: u32,
    total: u64,
}

impl Meter {
    fn next(&mut self, payer: u64, dice: &mut Dice) -> HoldCommand {
        let (session, epoch) = (u128::from(payer) << 32 | u128::from(self.session), 1);
        let hold = HoldId { session, block: 1 };
        if self.total == 0 {
            self.total = 1;
            let (terms, amount) = (terms(payer, BLOCK), amount(BLOCK));
            return HoldCommand::Reserve { hold, terms, amount, lives_ms: 1_800_000, epoch };
        }
        // Sometimes the one before again, or one that comes too late.
        self.total = (self.total + dice.between(0, 20)).min(BLOCK);
        let total = self.total.saturating_sub(dice.between(0, 1) * 5);
        if self.total < BLOCK {
            return HoldCommand::Capture { hold, total, epoch };
        }
        (self.session, self.total) = (self.session + 1, 0);
        HoldCommand::Close { hold, total, epoch, ends: true }
    }
}

fn tip(from: u64, units: u64) -> Command {
    Command::Payment(PaymentCommand::Tip { terms: terms(from, units), amount: amount(units) })
}

/// A third for the platform, the rest for the next payer.
fn terms(from: u64, cap: u64) -> Terms {
    let share = Share { to: Recipient::Platform, bps: 3_333 };
    let split = Split::new(vec![share], Recipient::Creator(AccountId(from % PAYERS + 1))).unwrap();
    Terms { payer: AccountId(from), cap: amount(cap), split }
}

fn request(id: u128, by: u64, command: Command) -> Request {
    Request { id, by: AccountId(by), reason: String::new(), refs: Refs::default(), command }
}

fn amount(units: u64) -> Amount {
    units.try_into().unwrap()
}
