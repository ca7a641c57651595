//! Directory and media tell of a session in either order.

use weir_ledger::meter::{Halt, Mode, Tariff};
use weir_model::{SessionId, Timestamp};
use weir_session::{Command, Offer, Price, Session};

use super::*;

const HOST: AccountId = AccountId(1);
const ALICE: AccountId = AccountId(2);
const ID: SessionId = SessionId(9);
const AT: Timestamp = Timestamp(1);

fn then(session: &mut Session, command: &Command) {
    *session = session.after(command).unwrap().unwrap();
}

/// A session that Alice joined, and that has the stream from segment 100 on.
fn begun() -> Session {
    let mode = Mode::ProRata { granule_ms: 1_000 };
    let tariff = Tariff { rate: 600.try_into().unwrap(), mode, min_seconds: 0, free_ms: 0 };
    let price = Price { name: "guest".into(), tariff, places: 1 };
    let offer = Offer {
        id: ID,
        channel: "demo".parse().unwrap(),
        host: HOST,
        fee_bps: 0,
        prices: vec![price.clone()],
        invited: Vec::new(),
        at: AT,
    };
    let mut session = offer.made().unwrap();
    let cap = 1_000.try_into().unwrap();
    let join = Command::Join { session: ID, account: ALICE, price: 0, shown: price, cap, at: AT };
    then(&mut session, &join);
    then(&mut session, &Command::Admit { session: ID, party: 0 });
    then(&mut session, &Command::Begin { session: ID, from: 100, at: AT });
    session
}

fn over() -> Session {
    let mut session = begun();
    then(&mut session, &Command::End { session: ID, why: Halt::Streamer, at: AT });
    then(&mut session, &Command::Unveil { session: ID, until: 120 });
    session
}

fn see(sessions: &[Session], shade: Shade, account: Option<AccountId>) -> Result<View, Blocked> {
    let screen = (!sessions.is_empty()).then(|| Screen::of(sessions));
    let heard = sessions.iter().any(|one| Some(one.id) == shade.session && one.veil.is_some());
    decide(screen.as_ref(), shade, heard, || account)
}

const NONE: Shade = Shade { from: 0, session: None };
const PRIVATE: Shade = Shade { from: 100, session: Some(ID) };
const AFTER: Shade = Shade { from: 120, session: None };

#[test]
fn a_public_stream_is_everybodys_and_nobody_asks_who_that_is() {
    let nobody = || panic!("nobody asks");
    assert_eq!(decide(None, NONE, false, nobody), Ok(View::Public(0)));
    let screen = Screen::of(&[over()]);
    let nobody = || panic!("nobody asks");
    assert_eq!(decide(Some(&screen), NONE, true, nobody), Ok(View::Public(120)));
}

#[test]
fn while_a_session_has_the_stream_only_its_parties_get_any_of_it() {
    for shade in [NONE, PRIVATE] {
        assert_eq!(see(&[begun()], shade, None), Err(Blocked::Private));
        assert_eq!(see(&[begun()], shade, Some(AccountId(3))), Err(Blocked::Private));
        assert_eq!(see(&[begun()], shade, Some(ALICE)), Ok(View::Party(100)));
        assert_eq!(see(&[begun()], shade, Some(HOST)), Ok(View::Party(100)));
    }
}

#[test]
fn media_of_a_session_that_is_not_heard_of_is_for_nobody() {
    for account in [None, Some(ALICE), Some(HOST)] {
        assert_eq!(see(&[], PRIVATE, account), Err(Blocked::Unheard));
        let other = Shade { from: 130, session: Some(SessionId(10)) };
        assert_eq!(see(&[begun()], other, account), Err(Blocked::Unheard), "of the one before");
        assert_eq!(see(&[over()], other, account), Err(Blocked::Unheard));
    }
}

#[test]
fn what_the_directory_says_of_a_session_outlives_what_came_with_its_media() {
    for shade in [PRIVATE, AFTER, NONE] {
        assert_eq!(see(&[over()], shade, None), Ok(View::Public(120)));
        assert_eq!(see(&[over()], shade, Some(ALICE)), Ok(View::Public(120)));
    }
}

#[test]
fn what_came_with_the_media_of_a_session_that_is_over_hides_it_from_who_never_heard_of_it() {
    assert_eq!(see(&[], AFTER, Some(ALICE)), Ok(View::Public(120)));
    assert_eq!(see(&[begun()], AFTER, None), Err(Blocked::Private), "until that is heard too");
    assert_eq!(see(&[begun()], AFTER, Some(ALICE)), Ok(View::Party(100)));
}

#[test]
fn a_shade_is_not_taken_back_by_what_was_said_before_it() {
    let order = [NONE, PRIVATE, AFTER, Shade { from: 120, session: Some(SessionId(10)) }];
    for (at, newer) in order.into_iter().enumerate() {
        for older in &order[..at] {
            assert_eq!(older.with(newer), newer);
            assert_eq!(newer.with(*older), newer, "{older:?} came late");
        }
        assert_eq!(newer.with(newer), newer);
    }
}

#[test]
fn what_is_sold_is_for_whoever_may_pass_its_door_and_a_session_has_a_door_of_its_own() {
    let (public, party) = (View::Public(5), View::Party(7));
    let nobody = || panic!("nobody asks");
    assert_eq!(through(public, Door::Open, nobody), Ok(public));
    for (door, blocked) in [(Door::Members, Blocked::Members), (Door::Ticket, Blocked::Ticket)] {
        assert_eq!(through(public, door, || false), Err(blocked));
        assert_eq!(through(public, door, || true), Ok(View::Sold(5)));
        assert_eq!(through(party, door, || false), Ok(party));
    }
}

#[test]
fn a_channel_that_is_not_heard_of_is_for_nobody() {
    assert_eq!(through(View::Public(0), Door::Unheard, || true), Err(Blocked::Unheard));
}
