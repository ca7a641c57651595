//! A session from the accepted price to the receipt, against a real ledger, whatever goes wrong between.

use proptest::prelude::*;
use weir_ledger::account::{Account, Kind};
use weir_ledger::request::{ControlCommand, IncomeCommand, Provider, Refs};
use weir_ledger::row::{At, Founding};
use weir_ledger::state::Done;
use weir_ledger::{Command as Asked, Currency, Request, State};

use super::*;
use crate::command::testing::{ALICE, BOB, HOST, join, offer, plan};
use crate::session::Settled;

const BEGIN_MS: u64 = 1_000_000_000;
const STEP_MS: u64 = 200;

/// A directory, a ledger and a node, with time that the test moves.
struct World {
    ledger: State,
    session: Session,
    meeting: Meeting,
    epoch: u64,
    now_ms: u64,
    warned: Vec<(PartyId, u32)>,
    /// The ledger does not answer.
    is_cut: bool,
    /// Whose players play, and whether the streamer sends.
    plays: Vec<AccountId>,
    sends: bool,
}

impl World {
    /// With so many units in the wallets of Alice and Bob.
    fn new(units: u64) -> Self {
        let session = offer().made().unwrap();
        let mut world = Self {
            ledger: State::default(),
            meeting: Meeting::new(Arc::new(session.clone()), 1),
            session,
            epoch: 1,
            now_ms: BEGIN_MS,
            warned: Vec::new(),
            is_cut: false,
            plays: vec![ALICE, BOB],
            sends: true,
        };
        let founding = Founding { ledger: 1, currency: Currency::new("EUR", 2).unwrap() };
        world.done(0, HOST, Asked::Control(ControlCommand::Found(founding))).unwrap();
        for (id, user) in [(1, ALICE), (2, BOB)] {
            let (amount, provider) = (units.try_into().unwrap(), Provider::MANUAL);
            let top_up = IncomeCommand::TopUp { user, amount, provider };
            world.done(id, user, Asked::Income(top_up)).unwrap();
        }
        world
    }

    fn done(&mut self, id: Id, by: AccountId, command: Asked) -> Result<Receipt, Refusal> {
        let (reason, refs) = (String::new(), Refs::default());
        let request = Request { id, by, reason, refs, command };
        match self.ledger.execute(&request, At(self.now_ms * 1_000)).unwrap() {
            Done::Recorded(entry) => entry.record.result,
            Done::Unchanged(receipt) => Ok(receipt),
            Done::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn change(&mut self, command: &Command) {
        plan(&mut self.session, command).unwrap();
        self.meeting.follow(Arc::new(self.session.clone()));
    }

    fn join(&mut self, account: AccountId, price: u8) {
        let command = join(&self.session, account, price);
        self.change(&command);
    }

    fn obey(&mut self, deed: Deed) {
        match deed {
            Deed::Look { .. } | Deed::Ask { .. } if self.is_cut => {
                if let Deed::Ask { party, .. } = deed {
                    self.meeting.unanswered(party);
                }
            }
            Deed::Look { party, bill } => {
                let known = self.ledger.session(bill, At(self.now_ms * 1_000));
                self.meeting.known(party, known.as_ref());
            }
            Deed::Ask { party, command } => {
                let by = self.session.party(party).unwrap().account;
                let result = self.done(0, by, Asked::Hold(command));
                self.meeting.answered(party, result);
            }
            Deed::Change(command) => self.change(&command),
            Deed::Begin => {
                let (session, at) = (self.session.id, Timestamp(0));
                self.change(&Command::Begin { session, from: 10, at });
            }
            Deed::Unveil => {
                self.change(&Command::Unveil { session: self.session.id, until: 20 });
            }
            Deed::Warn { party, left_s } => self.warned.push((party, left_s)),
            Deed::Yield => {}
        }
    }

    fn step(&mut self) -> Vec<Deed> {
        self.now_ms += STEP_MS;
        if self.sends {
            self.meeting.sent(self.now_ms);
        }
        for account in self.plays.clone() {
            self.meeting.played(account, self.now_ms);
        }
        let deeds = self.meeting.tick(self.now_ms, Timestamp(self.now_ms.cast_signed()));
        deeds.iter().cloned().for_each(|deed| self.obey(deed));
        deeds
    }

    fn run(&mut self, seconds: u64) {
        (0..seconds * 1_000 / STEP_MS).for_each(|_| {
            self.step();
        });
    }

    /// The node that ran it is dead; another one goes on.
    fn die(&mut self) {
        self.epoch += 1;
        self.meeting = Meeting::new(Arc::new(self.session.clone()), self.epoch);
    }

    fn wallet(&self, account: AccountId) -> u128 {
        self.ledger.spendable(account, At(self.now_ms * 1_000))
    }

    fn reserved(&self, account: AccountId) -> u128 {
        self.ledger.balance(&Account::person(Kind::Wallet, account)).debits_pending
    }

    fn receipt(&self, party: PartyId) -> Settled {
        self.session.party(party).unwrap().settled.unwrap()
    }

    fn why(&self) -> Halt {
        self.session.ended.unwrap().why
    }
}

/// The guest pays 6.00 a minute, 10 units a second, after 5 free seconds; the onlooker a tenth.
#[test]
fn a_session_goes_from_the_accepted_price_to_the_receipt() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(1);
    assert_eq!(world.session.stage, Stage::Live, "the first minute is reserved");
    assert_eq!(world.reserved(ALICE), 600);
    world.run(64);
    let quit =
        Command::Leave { session: world.session.id, party: 0, why: Halt::Viewer, at: Timestamp(5) };
    world.change(&quit);
    world.run(1);
    assert!(world.session.is_done());
    assert_eq!((world.session.stage, world.why()), (Stage::Ended, Halt::Viewer));
    let Settled { billed, delivered_ms } = world.receipt(0);
    assert!((63_000..65_000).contains(&delivered_ms), "{delivered_ms}");
    assert_eq!(billed, (delivered_ms / 1_000 - 5) * 10);
    assert_eq!(world.wallet(ALICE), u128::from(10_000 - billed));
    assert_eq!(world.reserved(ALICE), 0);
}

#[test]
fn an_onlooker_pays_his_own_price_and_leaves_alone() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.join(BOB, 1);
    world.run(31);
    let leave =
        Command::Leave { session: world.session.id, party: 1, why: Halt::Viewer, at: Timestamp(5) };
    world.change(&leave);
    world.run(10);
    assert_eq!(world.session.stage, Stage::Live);
    let bob = world.receipt(1);
    assert_eq!(bob.billed, bob.delivered_ms / 1_000 - 5);
    assert!(world.meeting.standing(0).unwrap().billed > bob.billed * 9);
}

#[test]
fn who_cannot_pay_the_first_minute_does_not_take_part_and_the_stream_stays_public() {
    let mut world = World::new(599);
    world.join(ALICE, 0);
    world.run(2);
    assert_eq!(world.session.stage, Stage::Offered);
    assert_eq!(world.session.party(0).unwrap().left.unwrap().why, Halt::Balance);
    assert_eq!((world.receipt(0).billed, world.wallet(ALICE)), (0, 599));
}

/// INV-26: warnings come at 120, 60, 30 and 10 seconds, and what is in the wallet is used to its end.
#[test]
fn inv_26_a_wallet_that_ends_ends_the_session_after_its_warnings() {
    let mut world = World::new(1_905);
    world.join(ALICE, 0);
    world.run(220);
    let left: Vec<u32> = world.warned.iter().map(|(_, left_s)| *left_s).collect();
    assert_eq!(left, [120, 60, 30, 10]);
    assert_eq!(world.why(), Halt::Balance);
    assert!(world.session.is_done());
    assert_eq!((world.receipt(0).billed, world.wallet(ALICE)), (1_905, 0));
}

#[test]
fn the_cap_is_the_end_of_what_anybody_pays() {
    let mut world = World::new(100_000);
    world.join(ALICE, 0);
    world.run(700);
    assert_eq!((world.why(), world.receipt(0).billed), (Halt::Cap, 6_000));
}

#[test]
fn a_player_that_stops_is_billed_to_its_last_sign_and_out_after_the_grace() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(30);
    let billed = world.meeting.standing(0).unwrap().billed;
    world.plays.clear();
    world.run(17);
    assert_eq!(world.session.stage, Stage::Live, "a player may come back");
    assert_eq!(world.meeting.standing(0).unwrap().paused, Some(Halt::ViewerGone));
    world.run(3);
    assert_eq!((world.why(), world.receipt(0).billed), (Halt::ViewerGone, billed));
}

#[test]
fn a_streamer_who_drops_pauses_the_bill_and_ends_it_after_the_grace() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(30);
    world.sends = false;
    world.run(10);
    let billed = world.meeting.standing(0).unwrap().billed;
    world.sends = true;
    world.run(1);
    assert_eq!(world.meeting.standing(0).unwrap().paused, None, "he is back in time");
    world.sends = false;
    world.run(20);
    assert_eq!(world.why(), Halt::StreamerGone);
    assert!(world.receipt(0).billed - billed <= 10, "at most the second he was back");
}

#[test]
fn inv_11_another_node_goes_on_from_what_the_ledger_knows() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(43);
    let before = world.meeting.standing(0).unwrap();
    world.die();
    world.run(20);
    let after = world.meeting.standing(0).unwrap();
    assert!(after.billed >= before.billed + 150 - 50, "at most five seconds are lost");
    assert!(after.billed <= before.billed + 200, "and never one is billed twice");
    world.run(60);
    world.change(&Command::End {
        session: world.session.id,
        why: Halt::Streamer,
        at: Timestamp(9),
    });
    world.die();
    world.run(2);
    assert!(world.session.is_done());
    assert_eq!(world.wallet(ALICE), u128::from(10_000 - world.receipt(0).billed));
    assert_eq!(world.reserved(ALICE), 0);
}

/// A look that was answered late says nothing of a bill that goes on.
#[test]
fn what_the_ledger_said_before_is_no_receipt() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(1);
    world.meeting.known(0, None);
    world.run(40);
    let quit =
        Command::Leave { session: world.session.id, party: 0, why: Halt::Viewer, at: Timestamp(5) };
    world.change(&quit);
    world.is_cut = true;
    world.step();
    world.meeting.known(0, None);
    world.is_cut = false;
    world.run(5);
    assert!(world.receipt(0).billed > 300, "{:?}", world.receipt(0));
    assert_eq!(world.wallet(ALICE), u128::from(10_000 - world.receipt(0).billed));
    assert_eq!(world.reserved(ALICE), 0);
}

/// The time of a block was over before it was used up: the session goes on with the next one.
#[test]
fn a_block_that_expired_meanwhile_is_replaced() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(20);
    world.now_ms += 3_600_000;
    world.run(60);
    assert_eq!(world.session.stage, Stage::Live);
    let billed = world.meeting.standing(0).unwrap().billed;
    assert!((550..800).contains(&billed), "{billed}");
    let why = Halt::Streamer;
    world.change(&Command::End { session: world.session.id, why, at: Timestamp(9) });
    world.run(5);
    assert_eq!(world.wallet(ALICE), u128::from(10_000 - world.receipt(0).billed));
    assert_eq!(world.reserved(ALICE), 0);
}

#[test]
fn an_owner_that_was_replaced_stops_at_the_ledgers_word() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(20);
    let mut old = world.meeting.clone();
    world.die();
    world.run(20);
    std::mem::swap(&mut world.meeting, &mut old);
    world.run(6);
    assert_eq!(world.step(), [Deed::Yield]);
}

#[test]
fn a_ledger_that_does_not_answer_is_not_needed_while_what_is_reserved_lasts() {
    let mut world = World::new(10_000);
    world.join(ALICE, 0);
    world.run(10);
    world.is_cut = true;
    world.run(40);
    assert_eq!(world.meeting.standing(0).unwrap().paused, None);
    assert!(world.meeting.standing(0).unwrap().billed >= 430);
    world.run(20);
    assert_eq!(world.meeting.standing(0).unwrap().paused, Some(Halt::Ledger));
    world.run(16);
    assert_eq!(world.session.stage, Stage::Ended, "the grace is over");
    world.is_cut = false;
    world.run(3);
    assert!(world.session.is_done());
    assert_eq!(world.receipt(0).billed, 600, "one total settles all of it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// INV-12 and INV-13 for the whole of it: whatever dies, falls silent or is cut off, nobody pays for more than
    /// what was delivered or more than he agreed to, and in the end nothing stays reserved.
    #[test]
    fn inv_12_and_13_nobody_pays_for_what_was_not_delivered(
        units in 1_u64..4_000,
        steps in prop::collection::vec((0_u8..8, 1_u64..30), 1..12),
    ) {
        let mut world = World::new(units);
        world.join(ALICE, 0);
        world.join(BOB, 1);
        let mut played_ms = 0;
        for (what, seconds) in steps {
            match what {
                0 => world.die(),
                1 => world.is_cut = !world.is_cut,
                2 => world.sends = !world.sends,
                3 => world.plays = vec![BOB],
                4 => world.plays = vec![ALICE, BOB],
                _ => {}
            }
            if world.sends && world.plays.contains(&ALICE) {
                played_ms += seconds * 1_000;
            }
            world.run(seconds);
        }
        let (session, why, at) = (world.session.id, Halt::Operator, Timestamp(0));
        world.change(&Command::End { session, why, at });
        world.is_cut = false;
        world.run(5);
        prop_assert!(world.session.is_done());
        let (alice, bob) = (world.receipt(0).billed, world.receipt(1).billed);
        prop_assert!(alice * 100 <= played_ms, "{} for {} ms", alice, played_ms);
        for (account, billed) in [(ALICE, alice), (BOB, bob)] {
            prop_assert_eq!(world.reserved(account), 0);
            prop_assert_eq!(world.wallet(account), u128::from(units - billed));
        }
        let split = world.session.split().unwrap();
        let of = |kind: fn(AccountId) -> Account| world.ledger.balance(&kind(HOST));
        let pending = of(|host| Account::person(Kind::CreatorPending, host)).credits_posted;
        let owed = |billed| split.of(billed).last().unwrap().1;
        prop_assert_eq!(pending, u128::from(owed(alice) + owed(bob)));
    }
}
