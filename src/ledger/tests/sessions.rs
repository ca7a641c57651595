//! Private sessions from the offer to the receipt: the bill, the ledger, and everything that can be interrupted.

use proptest::prelude::*;

use super::bank::*;
use super::evidence::{both, proved};
use crate::meter::{
    Act, Agreement, Bill, CHECKPOINT_MS, GRACE_MS, Halt, Mode, PLAYED_MAX_MS, SENT_MAX_MS, Tariff,
    WARNINGS_S,
};
use crate::refusal::Refusal;
use crate::row::{ChargeId, HoldId, Id};
use crate::split::{Recipient, Split};

const SESSION: Id = 7_000;
const STEP_MS: u64 = 200;

/// One unit a second, as long as nothing else is said.
fn agreement(cap: u64) -> Agreement {
    let (rate, mode) = (amount(60), Mode::ProRata { granule_ms: 1_000 });
    Agreement { tariff: Tariff { rate, mode, min_seconds: 0, free_ms: 0 }, cap: amount(cap) }
}

/// A session between one viewer and one streamer, with a ledger that may be cut off.
struct Room {
    bank: Bank,
    agreement: Agreement,
    bill: Bill,
    epoch: u64,
    now: u64,
    sends: bool,
    plays: bool,
    linked: bool,
    said: Vec<(u64, Act)>,
    /// What the ledger has not been told yet.
    unsent: Vec<Act>,
    /// Milliseconds in which both were there, seen from outside.
    both_ms: u64,
    /// When media came, and when the viewer played.
    evidence: [Vec<u64>; 2],
}

impl Room {
    fn new(wallet: u64, agreement: Agreement) -> Self {
        let mut bank = Bank::new();
        bank.top_up(ANN, wallet);
        Self {
            bank,
            agreement,
            bill: Bill::new(agreement),
            epoch: 1,
            now: 0,
            sends: true,
            plays: true,
            linked: true,
            said: Vec::new(),
            unsent: Vec::new(),
            both_ms: 0,
            evidence: Default::default(),
        }
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.now += STEP_MS;
            self.bank.later_ms(STEP_MS);
            if self.sends {
                self.evidence[0].push(self.now);
                self.bill.sent(self.now);
            }
            if self.plays {
                self.evidence[1].push(self.now);
                self.bill.played(self.now);
            }
            self.both_ms += if self.sends && self.plays { STEP_MS } else { 0 };
            let acts = self.bill.tick(self.now);
            self.act(acts);
        }
    }

    fn act(&mut self, acts: Vec<Act>) {
        self.said.extend(acts.iter().map(|act| (self.now, *act)));
        // A request for money is answered or not; the rest is told when there is somebody to tell.
        let asks = |act: &Act| matches!(act, Act::Reserve { .. });
        self.unsent.extend(acts.iter().copied().filter(|act| self.linked || !asks(act)));
        if self.linked {
            for act in std::mem::take(&mut self.unsent) {
                self.tell(act);
            }
        }
    }

    fn tell(&mut self, act: Act) {
        let hold = |block| HoldId { session: SESSION, block };
        match act {
            Act::Reserve { block, amount, lives_ms } => {
                let asked = self.reserve(block, amount.units(), lives_ms);
                let can_spend = self.bank.state.spendable(ANN, self.bank.now);
                match asked {
                    Ok(_) => {
                        let late = self.bill.reserved(block, amount.units(), can_spend);
                        late.into_iter().for_each(|act| self.tell(act));
                    }
                    Err(Refusal::Insufficient { .. }) => self.bill.refused(can_spend),
                    Err(other) => panic!("{other:?}"),
                }
            }
            Act::Capture { block, total } => {
                let receipt = self.bank.capture(hold(block), total, self.epoch).unwrap();
                self.bill.knows(receipt.available);
            }
            Act::Close { block, total, ends } => {
                use crate::request::{Command, HoldCommand};
                let (hold, epoch) = (hold(block), self.epoch);
                let close = HoldCommand::Close { hold, total, epoch, ends };
                self.bank.get(0, Command::Hold(close)).unwrap();
            }
            Act::Warn(_) | Act::Pause(_) | Act::Resume | Act::End(_) => {}
        }
    }

    fn reserve(
        &mut self,
        block: u32,
        units: u64,
        lives_ms: u64,
    ) -> Result<crate::record::Receipt, Refusal> {
        use crate::request::{Command, HoldCommand, Terms};
        let (hold, split) =
            (HoldId { session: SESSION, block }, Split::all_to(Recipient::Creator(CREATOR)));
        let terms = Terms { payer: ANN, cap: self.agreement.cap, split };
        let (amount, epoch) = (amount(units), self.epoch);
        self.bank
            .get(0, Command::Hold(HoldCommand::Reserve { hold, terms, amount, lives_ms, epoch }))
    }

    fn end(&mut self, why: Halt) {
        let acts = self.bill.end(why);
        self.act(acts);
    }

    /// The session's node dies, and another one goes on with what the ledger has.
    fn die(&mut self) {
        self.epoch += 1;
        self.unsent.clear();
        let session = self.bank.state.session(SESSION, self.bank.now).unwrap();
        self.bill = Bill::resume(self.agreement, &session);
    }

    /// Milliseconds that the evidence of both sides proves, whatever was reserved then.
    fn proved_ms(&self) -> u64 {
        let [sent, played] = &self.evidence;
        both(&proved(sent, SENT_MAX_MS), &proved(played, PLAYED_MAX_MS))
    }

    /// Units of all blocks that were ever reserved.
    fn reserved(&self) -> u64 {
        self.bank.state.holds.view().rows().map(|(_, hold)| hold.units).sum()
    }

    /// What the viewer was warned of, and when.
    fn warned(&self) -> Vec<(u64, u32)> {
        let warned = |(at, act): &(u64, Act)| match act {
            Act::Warn(left) => Some((*at, *left)),
            _ => None,
        };
        self.said.iter().filter_map(warned).collect()
    }

    fn charged(&self) -> u64 {
        self.bank.state.charge(ChargeId::Session(SESSION)).map_or(0, |charge| charge.total)
    }

    fn ended(&self) -> Option<(u64, Halt)> {
        self.said.iter().find_map(|(at, act)| match act {
            Act::End(why) => Some((*at, *why)),
            _ => None,
        })
    }

    /// Nothing stays reserved.
    fn check_settled(&self) {
        assert_eq!(self.bank.state.totals().pending, (0, 0));
        assert!(self.bank.state.totals().are_even());
    }
}

#[test]
fn a_session_is_charged_by_the_second_until_the_viewer_ends_it() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(95_000);
    assert!(room.charged() >= 85, "told every five seconds: {}", room.charged());
    room.end(Halt::Viewer);
    let total = room.charged();
    assert!((93..=94).contains(&total), "95 s less the first look: {total}");
    assert_eq!(room.bank.wallet(ANN), 1_000 - i128::from(total));
    room.check_settled();
}

#[test]
fn the_minimum_is_owed_by_a_viewer_who_ends_and_by_nobody_else() {
    for (why, owed) in [(Halt::Viewer, 120), (Halt::Streamer, 9), (Halt::Operator, 9)] {
        let mut with = agreement(500);
        with.tariff.min_seconds = 120;
        let mut room = Room::new(1_000, with);
        room.run(10_000);
        room.end(why);
        assert_eq!(room.charged(), owed, "{why:?}");
        room.check_settled();
    }
}

#[test]
fn inv_26_the_viewer_is_warned_and_cut_off_when_the_money_ends() {
    let mut room = Room::new(180, agreement(10_000));
    room.run(240_000);
    let warned: Vec<u32> = room.warned().into_iter().map(|(_, left)| left).collect();
    assert_eq!(warned.len(), 4, "{warned:?}");
    assert!(warned.iter().zip(WARNINGS_S).all(|(left, limit)| limit - left <= 1), "{warned:?}");
    assert_eq!(room.charged(), 180);
    let (at, why) = room.ended().unwrap();
    assert_eq!(why, Halt::Balance);
    assert!(at > 180_000 + GRACE_MS && at < 184_000 + GRACE_MS, "{at}");
    room.check_settled();
}

#[test]
fn money_that_comes_in_time_lets_the_session_go_on() {
    let mut room = Room::new(60, agreement(10_000));
    room.run(66_000);
    assert!(room.said.iter().any(|(_, act)| *act == Act::Pause(Halt::Balance)));
    room.bank.top_up(ANN, 100);
    room.run(30_000);
    assert!(room.said.iter().any(|(_, act)| *act == Act::Resume) && room.ended().is_none());
    room.end(Halt::Streamer);
    let total = room.charged();
    assert!((80..=90).contains(&total), "the pause is not billed: {total}");
}

/// Whatever time costs and however much of it is free, the first block is reserved and time counts.
#[test]
fn every_tariff_begins_and_is_billed() {
    let by = |granule_ms| Mode::ProRata { granule_ms };
    for (rate, mode, free_ms, min_seconds) in [
        (60, by(1_000), 0, 0),
        (60, by(6_000), 0, 0),
        (60, by(60_000), 0, 0),
        (60, Mode::StartedMinutes, 0, 0),
        (60, by(1_000), 31_000, 0),
        (60, by(60_000), 90_000, 0),
        (60, by(1_000), 2_400_000, 0),
        (60, by(1_000), 0, 7_200),
        (1, by(1_000), 0, 0),
    ] {
        let tariff = Tariff { rate: amount(rate), mode, min_seconds, free_ms };
        let mut room = Room::new(100_000, Agreement { tariff, cap: amount(100_000) });
        room.run(9_000_000);
        assert!(room.ended().is_none(), "{tariff:?}: {:?}", room.ended());
        room.end(Halt::Viewer);
        let counted = room.bill.delivered_ms();
        assert!(counted > 8_990_000, "{tariff:?}: {counted} ms");
        assert_eq!(room.charged(), tariff.billed_to_viewer(counted), "{tariff:?}");
        room.check_settled();
    }
}

/// Signs of life that are too far apart prove nothing, and do not keep a session going either.
#[test]
fn who_is_silent_for_more_than_a_fifth_of_the_time_is_gone() {
    for (silent_s, plays_s, stays) in [(14, 1, false), (8, 8, false), (6, 40, true)] {
        let mut room = Room::new(100_000, agreement(100_000));
        room.run(30_000);
        for _ in 0..20 {
            room.plays = false;
            room.run(silent_s * 1_000);
            room.plays = true;
            room.run(plays_s * 1_000);
        }
        assert_eq!(room.ended().is_none(), stays, "{silent_s} of {} s", silent_s + plays_s);
    }
}

#[test]
fn what_was_agreed_at_most_is_the_end() {
    let mut room = Room::new(10_000, agreement(100));
    room.run(130_000);
    let (at, why) = room.ended().unwrap();
    assert_eq!((why, room.charged()), (Halt::Cap, 100));
    assert!(at < 103_000, "{at}");
    room.check_settled();
}

#[test]
fn a_side_that_falls_silent_stops_the_meter_and_then_the_session() {
    for (viewer_is_gone, why) in [(true, Halt::ViewerGone), (false, Halt::StreamerGone)] {
        let mut room = Room::new(1_000, agreement(500));
        room.run(30_000);
        (room.plays, room.sends) = (!viewer_is_gone, viewer_is_gone);
        room.run(10_000);
        (room.plays, room.sends) = (true, true);
        room.run(20_000);
        assert!(room.ended().is_none(), "ten seconds are forgiven");
        (room.plays, room.sends) = (!viewer_is_gone, viewer_is_gone);
        room.run(30_000);
        assert_eq!(room.ended().unwrap().1, why);
        let total = room.charged();
        assert!((48..=50).contains(&total), "{why:?}: only what both had: {total}");
        room.check_settled();
    }
}

#[test]
fn without_the_ledger_it_goes_on_for_what_is_reserved_and_settles_afterwards() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(20_000);
    room.linked = false;
    room.run(50_000);
    assert!(room.said.iter().any(|(_, act)| *act == Act::Pause(Halt::Ledger)));
    room.linked = true;
    room.run(20_000);
    assert!(room.ended().is_none());
    room.end(Halt::Viewer);
    let total = room.charged();
    assert!((70..=82).contains(&total), "{total}");
    room.check_settled();
}

#[test]
fn a_ledger_that_stays_away_ends_it_at_what_is_reserved() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(20_000);
    room.linked = false;
    room.run(120_000);
    assert_eq!(room.ended().unwrap().1, Halt::Ledger);
    room.linked = true;
    room.act(Vec::new());
    assert_eq!(room.charged(), 60);
    room.check_settled();
}

#[test]
fn the_death_of_its_node_costs_the_platform_a_checkpoint_and_the_viewer_nothing() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(33_000);
    room.die();
    room.run(27_000);
    room.end(Halt::Viewer);
    let (total, both) = (room.charged(), room.both_ms / 1_000);
    assert!(total <= both && total + CHECKPOINT_MS / 1_000 + 2 >= both, "{total} of {both} s");
    room.check_settled();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// INV-12, INV-13: whatever breaks, nobody pays for more than both sides had, nor more than was agreed.
    #[test]
    fn inv_12_and_13_nobody_pays_for_what_was_not_there(
        wallet in 1_u64..400,
        cap in 1_u64..400,
        turns in prop::collection::vec((0_u8..8, 1_u64..20), 1..30),
    ) {
        let mut room = Room::new(wallet, agreement(cap));
        for (what, seconds) in turns {
            match what {
                0 => room.sends = !room.sends,
                1 => room.plays = !room.plays,
                2 => room.linked = !room.linked,
                3 if room.linked && room.charged() > 0 && !room.bill.is_over() => room.die(),
                4 => { room.bank.top_up(ANN, 30); }
                _ => (room.sends, room.plays, room.linked) = (true, true, true),
            }
            room.run(seconds * 1_000);
        }
        room.end(Halt::Streamer);
        room.linked = true;
        room.act(Vec::new());
        prop_assert!(room.charged() <= cap.min(room.reserved()), "{} of {}", room.charged(), room.reserved());
        prop_assert!(room.charged() * 1_000 <= room.proved_ms(), "{} of {} ms", room.charged(), room.proved_ms());
        let after_end = room.said.iter().skip_while(|(_, act)| !matches!(act, Act::End(_))).skip(1);
        prop_assert_eq!(after_end.count(), 0);
        prop_assert_eq!(room.bank.state.totals().pending, (0, 0));
    }

    /// INV-26: whatever time costs and wherever the money ends, each warning comes so long before it, to a second.
    #[test]
    fn inv_26_warnings_come_when_they_say_and_none_after_the_end(
        units_a_second in 1_u64..40,
        seconds in 60_u64..300,
        rest in 0_u64..40,
        ends_at_the_cap: bool,
    ) {
        let money = units_a_second * seconds + rest % units_a_second;
        let (wallet, cap) = if ends_at_the_cap { (money * 2, money) } else { (money, money * 2) };
        let mut with = agreement(cap);
        with.tariff.rate = amount(units_a_second * 60);
        let mut room = Room::new(wallet, with);
        room.run((seconds + 60) * 1_000);
        prop_assert_eq!((room.ended().is_some(), room.charged()), (true, money));
        let is_over = |(_, act): &&(u64, Act)| matches!(act, Act::Pause(Halt::Balance) | Act::End(_));
        let (over, _) = *room.said.iter().find(is_over).unwrap();
        let (warned, due) = (room.warned(), WARNINGS_S.iter().filter(|limit| u64::from(**limit) < seconds));
        let due: Vec<u32> = due.copied().collect();
        // Who begins with less is told at once how much that is.
        let in_time = &warned[warned.len().saturating_sub(due.len())..];
        prop_assert!(warned.len() <= due.len() + 1, "{:?}", warned);
        for ((at, left), limit) in in_time.iter().zip(due) {
            prop_assert!(limit.abs_diff(*left) <= 1, "{:?}", warned);
            let lasted_ms = over - at;
            prop_assert!(lasted_ms.abs_diff(u64::from(limit) * 1_000) <= 1_000, "{:?} until {}", warned, over);
        }
    }
}

#[test]
fn a_viewer_spends_what_there_is_and_is_warned_to_the_end() {
    let mut room = Room::new(100, agreement(10_000));
    room.run(240_000);
    let warned: Vec<u32> = room.warned().into_iter().map(|(_, left)| left).collect();
    assert_eq!((room.charged(), warned.last().copied()), (100, Some(10)), "{warned:?}");
    assert_eq!(room.ended().unwrap().1, Halt::Balance);
    room.check_settled();
}

#[test]
fn what_expired_while_nobody_ran_the_session_is_served_by_nobody() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(20_000);
    let taken = room.charged();
    room.bank.later_ms(3_600_000);
    let hold = HoldId { session: SESSION, block: 1 };
    let expire = crate::request::HoldCommand::Expire { hold };
    room.bank.get(0, crate::request::Command::Hold(expire)).unwrap();
    room.die();
    room.linked = false;
    room.run(10_000);
    assert!(room.bill.delivered_ms() <= (taken + 1) * 1_000, "nothing is reserved");
    room.linked = true;
    room.run(20_000);
    assert!(room.charged() > taken, "the next block is");
    room.end(Halt::Viewer);
    room.check_settled();
}

#[test]
fn a_session_that_is_taken_over_with_nothing_reserved_can_be_ended() {
    let mut room = Room::new(1_000, agreement(500));
    room.run(20_000);
    room.bank.later_ms(3_600_000);
    room.die();
    room.end(Halt::Streamer);
    room.check_settled();
    let state = room.bank.state.charge(ChargeId::Session(SESSION)).unwrap().state;
    assert_eq!(state, crate::row::ChargeState::Settled);
}

#[test]
fn a_block_that_is_reserved_after_the_end_is_given_back() {
    let mut room = Room::new(1_000, agreement(500));
    let asked = room.bill.tick(0);
    let acts = room.bill.end(Halt::Viewer);
    asked.into_iter().chain(acts).for_each(|act| room.tell(act));
    room.check_settled();
}

#[test]
fn a_session_beyond_a_day_is_billed_for_a_day() {
    let mut bill = Bill::new(agreement(1_000_000));
    assert_eq!(bill.reserved(1, 1_000_000, 0), None);
    for at in (0..=86_403_000_u64).step_by(1_900) {
        bill.sent(at);
        bill.played(at);
    }
    bill.tick(86_403_000);
    assert_eq!(bill.billed(), 24 * 3_600);
}
