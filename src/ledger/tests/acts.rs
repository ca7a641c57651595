//! What staff did, between the records of money.

use std::collections::BTreeMap;

use super::bank::Bank;
use crate::Record;
use crate::request::{Act, Command, Outcome, TARGET_CHARS_MAX};
use crate::row::Row;
use crate::state::Done;

fn kick(outcome: Outcome) -> Act {
    let (action, target) = ("stream.end".into(), "/v1/streams/demo/kick".into());
    Act { action, target, detail: String::new(), from: "192.0.2.7".into(), outcome }
}

fn did(bank: &mut Bank, act: Act) -> Record {
    let id = bank.new_id();
    match bank.ask(id, Command::Act(act)) {
        Done::Recorded(entry) => entry.record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn acts_stand_in_the_chain_and_each_leads_to_the_one_before() {
    let mut bank = Bank::new();
    let head = *bank.state.head();
    let first = did(&mut bank, kick(Outcome::Begun));
    assert_eq!((&first.rows[..], first.legs.len()), (&[Row::Act(0)][..], 0));
    assert_ne!(bank.state.head().link, head.link);
    let failed = Outcome::Failed { begun: first.seq, why: "nobody publishes".into() };
    let second = did(&mut bank, kick(failed));
    assert_eq!(second.rows, [Row::Act(first.seq)]);
    assert_eq!(bank.state.newest_act(), second.seq);
    let again = super::through_pages(&mut bank.state, &mut BTreeMap::new()).unwrap();
    assert_eq!(again.newest_act(), second.seq);
}

#[test]
fn an_act_says_what_it_is_in_few_words_and_names_no_record_to_come() {
    let mut bank = Bank::new();
    let long = Act { target: "x".repeat(TARGET_CHARS_MAX + 1), ..kick(Outcome::Begun) };
    let early = kick(Outcome::Failed { begun: 100, why: String::new() });
    for act in [long, early] {
        assert!(did(&mut bank, act).result.is_err());
    }
    assert_eq!(bank.state.newest_act(), 0);
}
