//! Private sessions: what each cost until now, and for how long it lasts.

use weir_model::Timestamp;
use weir_model::session::{SessionInfo, SessionState};

use crate::conn::money::BILLS_MAX;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::money::session::{SOON_SECONDS, billed, left as left_of, names, rate, why};
use crate::state::nav::{MoneyPage, View};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 11] = [
    wide("CHANNEL", 10),
    left("STATE", 8, 0),
    wide("PARTIES", 11),
    right("RATE", 8, 3),
    right("BILLED", 9, 0),
    right("LEFT", 6, 0),
    left("WHY", 13, 1),
    right("FOR", 6, 4),
    left("SESSION", 20, 0),
    left("HOST", 20, 0),
    left("INVITED", 9, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.sessions;
    let Some(body) = &mut money::body(paint, state, &MoneyPage::Sessions, || {
        let sessions = &state.shown().money.sessions;
        let running = sessions.iter().filter(|one| one.state == SessionState::Live).count();
        let code = sessions.first().and_then(|one| one.currency.clone()).unwrap_or_default();
        let unasked = match running.saturating_sub(BILLS_MAX) {
            0 => String::new(),
            more => format!("; {more} that run are not asked for their bills"),
        };
        format!("{}, amounts in {code}{unasked}", table::counted(list, "sessions"))
    }) else {
        return;
    };
    let (sessions, now) = (&state.shown().money.sessions, state.node_now());
    table::draw::<SessionInfo>(body, list, &COLUMNS, |index| match sessions.get(index) {
        Some(session) => cells(session, now),
        None => Vec::new(),
    });
    table::empty(body, list, "No private sessions yet: weir session start CHANNEL offers one.");
}

fn cells(session: &SessionInfo, now: Option<Timestamp>) -> Vec<Cell> {
    let tone = match session.state {
        SessionState::Live => Tone::Ok,
        SessionState::Offered => Tone::Text,
        SessionState::Ended => Tone::Dim,
    };
    let begun = session.began_at.unwrap_or(session.offered_at);
    let until = session.ended_at.or(now);
    let long = until.map(|until| text::duration(until.since_ms(begun)));
    let invited = match session.invited.len() {
        0 => "everybody".to_owned(),
        some => some.to_string(),
    };
    vec![
        (session.channel.to_string(), Tone::Accent),
        (session.state.to_string(), tone),
        (names(session), Tone::Text),
        (rate(session).to_owned(), Tone::Text),
        (billed(session).unwrap_or_default(), Tone::Text),
        lasts(left_of(session)),
        (why(session).map(|why| why.to_string()).unwrap_or_default(), Tone::Warning),
        (long.unwrap_or_default(), Tone::Dim),
        (session.id.to_string(), Tone::Dim),
        (session.host.to_string(), Tone::Dim),
        (invited, Tone::Dim),
    ]
}

/// For how long money lasts; an end that is near has a sign of its own.
pub(super) fn lasts(seconds: Option<u64>) -> Cell {
    match seconds {
        None => (String::new(), Tone::Text),
        Some(soon) if soon < SOON_SECONDS => (format!("!{}", span(soon)), Tone::Warning),
        Some(seconds) => (span(seconds), Tone::Text),
    }
}

pub(super) fn span(seconds: u64) -> String {
    text::duration(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let session = state.lists.sessions.selected(&state.shown().money.sessions);
    match (command, session) {
        (Command::Open, Some(session)) => {
            Some(Intent::Open(View::Money(MoneyPage::Session(session.id))))
        }
        (Command::End, Some(session)) => Some(end(session)),
        (Command::Open | Command::End, None) => Some(Intent::None),
        _ => None,
    }
}

/// Asks before a session is ended.
#[must_use]
pub fn end(session: &SessionInfo) -> Intent {
    if session.state == SessionState::Ended {
        return Intent::Tell("it has ended already".into());
    }
    Intent::Ask(Box::new(Confirm::end_session(session, "")))
}
