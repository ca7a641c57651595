//! What the ledger is told of a session comes twice, late, in another order, from an owner that was replaced, or not at
//! all; and time comes in any pieces. The charge is the bill of the evidence all the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::bank::*;
use super::evidence::{both, long, proved};
use crate::meter::{Act, Agreement, Bill, Halt, Mode, PLAYED_MAX_MS, SENT_MAX_MS, Tariff};
use crate::refusal::Refusal;
use crate::request::{Command, HoldCommand};
use crate::row::{ChargeId, HoldId, HoldState, Id};

const SESSION: Id = 7_000;
/// More than any of these sessions costs.
const WALLET: u64 = 10_000_000;

/// What became of what the ledger was told.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    /// The answer was lost, so it is told again.
    ArrivesTwice,
    /// It comes after what is told later, the newest first.
    ComesLate,
    /// It arrives, and once more later.
    ComesAgain,
    IsLost,
    /// It arrives, and the node dies: another one goes on.
    Dies,
}

/// So many milliseconds later: whether media came, whether the viewer played, what became of what was told.
type Beat = (u64, bool, bool, Fate);

/// How a session goes, and at how many moments between two beats somebody looks what is to be done.
#[derive(Debug, Clone)]
struct Plan {
    tariff: Tariff,
    beats: Vec<Beat>,
    looks: u64,
}

/// Something that the ledger is told: of a block so much is taken, and so much was when it was told last.
#[derive(Debug, Clone, Copy)]
struct Letter {
    block: u32,
    before: u64,
    total: u64,
    epoch: u64,
}

/// What is asked of the ledger by a letter when so much of its block is taken.
type Capture = fn(captured: u64, letter: &Letter) -> u64;

/// The total, whatever is taken already.
const BY_TOTAL: Capture = |_, letter| letter.total;
/// What was used since it was told last, on top of what is taken already.
const BY_DELTA: Capture = |captured, letter| captured + (letter.total - letter.before);

struct Room {
    bank: Bank,
    bill: Bill,
    agreement: Agreement,
    capture: Capture,
    epoch: u64,
    now: u64,
    /// What its owner told of each block.
    told: BTreeMap<u32, u64>,
    late: Vec<Letter>,
    /// What was taken of each block when it was looked at last.
    captured: BTreeMap<HoldId, u64>,
    sent: Vec<u64>,
    played: Vec<u64>,
    died: bool,
    /// Invariants that were broken.
    broken: BTreeSet<&'static str>,
}

impl Room {
    fn new(tariff: Tariff, capture: Capture) -> Self {
        let mut bank = Bank::new();
        bank.top_up(ANN, WALLET);
        let agreement = Agreement { tariff, cap: amount(WALLET) };
        Self {
            bank,
            bill: Bill::new(agreement),
            agreement,
            capture,
            epoch: 1,
            now: 0,
            told: BTreeMap::new(),
            late: Vec::new(),
            captured: BTreeMap::new(),
            sent: Vec::new(),
            played: Vec::new(),
            died: false,
            broken: BTreeSet::new(),
        }
    }

    fn look(&mut self, fate: Fate) {
        let acts = self.bill.tick(self.now);
        self.obey(acts, fate);
    }

    fn obey(&mut self, acts: Vec<Act>, fate: Fate) {
        for act in acts {
            match act {
                Act::Reserve { block, amount, lives_ms } => {
                    let (hold, terms) = (HoldId { session: SESSION, block }, terms(ANN, WALLET));
                    let epoch = self.epoch;
                    let reserve = HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch };
                    self.bank.get(0, Command::Hold(reserve)).unwrap();
                    assert_eq!(self.bill.reserved(block, amount.units(), WALLET.into()), None);
                }
                Act::Capture { block, total } => {
                    let letter = self.letter(block, total);
                    self.post(letter, fate);
                }
                Act::Close { block, total, ends } => {
                    // Whoever closes insists until it is answered.
                    let letter = self.letter(block, total);
                    self.close(letter, ends);
                    self.close(letter, ends);
                }
                Act::Warn(_) | Act::Pause(_) | Act::Resume | Act::End(_) => {}
            }
        }
    }

    fn letter(&mut self, block: u32, total: u64) -> Letter {
        let before = self.told.insert(block, total).unwrap_or_default();
        Letter { block, before, total, epoch: self.epoch }
    }

    fn post(&mut self, letter: Letter, fate: Fate) {
        match fate {
            Fate::Arrives | Fate::Dies => self.arrive(letter),
            Fate::ArrivesTwice => [letter; 2].into_iter().for_each(|one| self.arrive(one)),
            Fate::ComesLate => self.late.push(letter),
            Fate::ComesAgain => {
                self.arrive(letter);
                self.late.push(letter);
            }
            Fate::IsLost => {}
        }
    }

    fn wanted(&self, letter: &Letter) -> (HoldId, u64) {
        let hold = HoldId { session: SESSION, block: letter.block };
        let captured = self.bank.state.hold(hold).unwrap().captured;
        (hold, (self.capture)(captured, letter))
    }

    fn arrive(&mut self, letter: Letter) {
        let (hold, total) = self.wanted(&letter);
        match self.bank.capture(hold, total, letter.epoch) {
            Ok(_) => {}
            Err(Refusal::Stale { .. }) => assert!(letter.epoch < self.epoch),
            Err(Refusal::Over { .. }) => {
                assert_ne!(self.bank.state.hold(hold).unwrap().state, HoldState::Open);
            }
            Err(_) => drop(self.broken.insert("INV-12")),
        }
    }

    fn close(&mut self, letter: Letter, ends: bool) {
        let (hold, total) = self.wanted(&letter);
        let close = HoldCommand::Close { hold, total, epoch: letter.epoch, ends };
        if self.bank.get(0, Command::Hold(close)).is_err() {
            self.broken.insert("INV-12");
        }
    }

    fn late_ones_arrive(&mut self) {
        while let Some(letter) = self.late.pop() {
            self.arrive(letter);
        }
    }

    fn die(&mut self) {
        let Some(session) = self.bank.state.session(SESSION, self.bank.now) else { return };
        (self.died, self.epoch) = (true, self.epoch + 1);
        self.bill = Bill::resume(self.agreement, &session);
        self.told = session.open.iter().map(|(block, _, taken)| (*block, *taken)).collect();
    }

    fn charged(&self) -> u64 {
        self.bank.state.charge(ChargeId::Session(SESSION)).map_or(0, |charge| charge.total)
    }

    /// What has to be true at every moment.
    fn check(&mut self) {
        let (charged, tariff) = (self.charged(), self.agreement.tariff);
        let mut units = 0;
        for (id, hold) in self.bank.state.holds.view().rows() {
            let before = self.captured.insert(*id, hold.captured).unwrap_or_default();
            if hold.captured < before || hold.captured > hold.units {
                self.broken.insert("INV-4");
            }
            units += hold.units;
        }
        let paid = i128::from(WALLET) - self.bank.wallet(ANN);
        if charged > units || charged > WALLET || paid != i128::from(charged) {
            self.broken.insert("INV-12");
        }
        let (sent, played) = (proved(&self.sent, SENT_MAX_MS), proved(&self.played, PLAYED_MAX_MS));
        let least = long(&sent).min(long(&played));
        if charged > tariff.billed(least) {
            self.broken.insert("INV-13");
        }
        if charged > tariff.billed(both(&sent, &played)) {
            self.broken.insert("INV-11");
        }
    }
}

/// Goes through a session, and answers with the invariants that were broken.
fn broken(plan: &Plan, capture: Capture) -> BTreeSet<&'static str> {
    let mut room = Room::new(plan.tariff, capture);
    room.look(Fate::Arrives);
    for (after, sends, plays, fate) in &plan.beats {
        for look in 1..=plan.looks {
            let step = after * look / plan.looks - after * (look - 1) / plan.looks;
            room.now += step;
            room.bank.later_ms(step);
            if look == plan.looks && !room.bill.is_over() {
                if *sends {
                    room.sent.push(room.now);
                    room.bill.sent(room.now);
                }
                if *plays {
                    room.played.push(room.now);
                    room.bill.played(room.now);
                }
            }
            room.look(*fate);
        }
        match fate {
            Fate::Dies => room.die(),
            Fate::Arrives => room.late_ones_arrive(),
            _ => {}
        }
        room.check();
    }
    let acts = room.bill.end(Halt::Streamer);
    room.obey(acts, Fate::Arrives);
    room.late_ones_arrive();
    room.check();
    let (sent, played) = (proved(&room.sent, SENT_MAX_MS), proved(&room.played, PLAYED_MAX_MS));
    let whole = plan.tariff.billed(both(&sent, &played));
    // A node that dies may cost the platform something.
    let is_exact = room.died || room.charged() == whole;
    if !is_exact || room.charged() < room.bill.billed() {
        room.broken.insert("INV-11");
    }
    if room.bank.state.totals().pending != (0, 0) {
        room.broken.insert("INV-3");
    }
    room.broken
}

fn plans() -> impl Strategy<Value = Plan> {
    let granules = prop::sample::select(vec![1_000_u64, 6_000, 60_000]);
    let mode = prop_oneof![
        3 => granules.prop_map(|granule_ms| Mode::ProRata { granule_ms }),
        1 => Just(Mode::StartedMinutes)
    ];
    let tariff = (1_u64..5_000, mode, 0_u64..10_000).prop_map(|(rate, mode, free_ms)| Tariff {
        rate: amount(rate),
        mode,
        min_seconds: 0,
        free_ms,
    });
    let fate = prop_oneof![
        12 => Just(Fate::Arrives),
        4 => Just(Fate::ArrivesTwice),
        4 => Just(Fate::ComesLate),
        4 => Just(Fate::ComesAgain),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::Dies),
    ];
    // Nearly always both show themselves.
    let beat = (1_u64..2_500, prop::bool::weighted(0.95), prop::bool::weighted(0.95), fate);
    let parts = (tariff, prop::collection::vec(beat, 1..120), 1_u64..5);
    parts.prop_map(|(tariff, beats, looks)| Plan { tariff, beats, looks })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// INV-3, INV-4, INV-11 to INV-13.
    #[test]
    fn inv_11_the_charge_is_the_bill_of_the_evidence_however_it_is_told(plan in plans()) {
        prop_assert_eq!(broken(&plan, BY_TOTAL), BTreeSet::new());
    }
}

/// A capture that adds what it says to what is taken makes a session dearer with every message that comes again, and
/// cheaper with every one that is lost.
#[test]
fn mutant_capture_by_delta_is_found() {
    let plans = super::drawn(&plans(), 64);
    let found = |capture| -> Vec<BTreeSet<&str>> {
        let all = plans.iter().map(|plan| broken(plan, capture));
        all.filter(|broken| !broken.is_empty()).collect()
    };
    assert_eq!(found(BY_TOTAL), Vec::<BTreeSet<&str>>::new());
    let found = found(BY_DELTA);
    assert!(found.len() > plans.len() / 4, "in {} of {}", found.len(), plans.len());
    for invariant in ["INV-11", "INV-12", "INV-13"] {
        assert!(found.iter().any(|broken| broken.contains(invariant)), "{invariant}: {found:?}");
    }
}
