//! What changes of a session are taken and what they make.

use super::testing::*;
use super::*;

#[test]
fn a_guest_takes_the_only_place_and_onlookers_take_theirs() {
    let mut session = offer().made().unwrap();
    let carol = AccountId(4);
    for (account, price, expected) in [
        (ALICE, 0, Ok(true)),
        (ALICE, 1, Err(Refusal::IsIn)),
        (BOB, 0, Err(Refusal::Full)),
        (BOB, 1, Ok(true)),
        (carol, 1, Ok(true)),
        (AccountId(5), 1, Err(Refusal::Full)),
        (HOST, 1, Err(Refusal::IsHost)),
    ] {
        let command = join(&session, account, price);
        assert_eq!(plan(&mut session, &command), expected, "{account}");
    }
}

#[test]
fn nobody_joins_at_another_price_than_the_one_shown() {
    let mut session = offer().made().unwrap();
    let mut command = join(&session, ALICE, 0);
    if let Command::Join { shown, .. } = &mut command {
        shown.tariff.rate = 599.try_into().unwrap();
    }
    assert_eq!(plan(&mut session, &command), Err(Refusal::OtherPrice));
}

#[test]
fn only_the_invited_join_when_somebody_is_invited() {
    let mut session = Offer { invited: vec![BOB], ..offer() }.made().unwrap();
    let (alice, bob) = (join(&session, ALICE, 0), join(&session, BOB, 0));
    assert_eq!(plan(&mut session, &alice), Err(Refusal::NotInvited));
    assert_eq!(plan(&mut session, &bob), Ok(true));
}

#[test]
fn it_begins_once_somebody_paid_and_the_end_takes_everybody_with_it() {
    let mut session = offer().made().unwrap();
    let at = Timestamp(3);
    let begin = Command::Begin { session: session.id, from: 9, at };
    assert_eq!(plan(&mut session, &begin), Err(Refusal::Alone));
    let command = join(&session, ALICE, 0);
    plan(&mut session, &command).unwrap();
    assert_eq!(plan(&mut session, &begin), Err(Refusal::Alone), "nothing is reserved");
    let mut session = live(9);
    assert_eq!(plan(&mut session, &begin), Ok(false), "said again, nothing changes");
    let end = Command::End { session: session.id, why: Halt::Operator, at };
    assert_eq!(plan(&mut session, &end), Ok(true));
    assert_eq!(session.party(0).unwrap().left, Some(Ending { at, why: Halt::Operator }));
    let command = join(&session, BOB, 1);
    assert_eq!(plan(&mut session, &command), Err(Refusal::Over));
    assert!(!session.is_done(), "nobody has a receipt yet");
    let settled = Settled { billed: 5, delivered_ms: 1_000 };
    let settle = Command::Settle { session: session.id, party: 0, settled };
    assert_eq!(plan(&mut session, &settle), Ok(true));
    assert!(!session.is_done(), "nobody knows from where on it is public");
    let unveil = Command::Unveil { session: session.id, until: 12 };
    plan(&mut session, &unveil).unwrap();
    assert!(session.is_done() && !session.is_at_work());
}

#[test]
fn who_comes_back_is_another_party_with_another_bill_and_no_free_time() {
    let mut session = live(9);
    let leave =
        Command::Leave { session: session.id, party: 0, why: Halt::Viewer, at: Timestamp(4) };
    plan(&mut session, &leave).unwrap();
    let again = join(&session, ALICE, 0);
    plan(&mut session, &again).unwrap();
    let free = |party| session.agreement(party).unwrap().tariff.free_ms;
    assert_eq!((free(0), free(1)), (5_000, 0));
    assert_ne!(session.bill_id(0), session.bill_id(1));
    assert_eq!(session.party_of(ALICE).unwrap().0, 1);
}

#[test]
fn nobody_uses_up_a_session_alone_and_a_full_one_says_so() {
    let mut session = offer().made().unwrap();
    let come_and_go = |session: &mut Session, account| {
        let command = join(session, account, 0);
        plan(session, &command)?;
        let party = session.party_of(account).unwrap().0;
        let why = Halt::Viewer;
        plan(session, &Command::Leave { session: session.id, party, why, at: Timestamp(4) })
    };
    for _ in 0..JOINS_MAX {
        assert_eq!(come_and_go(&mut session, ALICE), Ok(true));
    }
    assert_eq!(come_and_go(&mut session, ALICE), Err(Refusal::TooOften));
    for other in (0..).map(|nth| AccountId(100 + nth)).take(PARTIES_MAX - JOINS_MAX) {
        assert_eq!(come_and_go(&mut session, other), Ok(true));
    }
    assert_eq!(come_and_go(&mut session, BOB), Err(Refusal::Worn));
}

#[test]
fn what_cannot_be_billed_is_not_offered() {
    let many = vec![price("guest", 1, 1); PRICES_MAX + 1];
    for (offer, says) in [
        (Offer { prices: Vec::new(), ..offer() }, "1 to 4 prices"),
        (Offer { prices: many, ..offer() }, "1 to 4 prices"),
        (Offer { prices: vec![price("Guest!", 1, 1)], ..offer() }, "small letters"),
        (Offer { prices: vec![price("guest", 1, 0)], ..offer() }, "places"),
        (Offer { prices: vec![price("guest", u64::MAX >> 1, 1)], ..offer() }, "too high"),
        (Offer { fee_bps: 10_001, ..offer() }, "more than the whole"),
    ] {
        let error = offer.made().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn its_record_reads_back() {
    let session = live(9);
    let text = serde_json::to_string(&session).unwrap();
    assert_eq!(serde_json::from_str::<Session>(&text).unwrap(), session);
}
