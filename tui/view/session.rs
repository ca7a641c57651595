//! One private session: its prices, the bill of each party, and what somebody should look at.

use weir_model::SessionId;
use weir_model::session::{SessionInfo, SessionParty, SessionPrice};

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::money::session::{warnings, who};
use crate::state::nav::{MoneyPage, View, WalletPage};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::sessions::{end, lasts, span};
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 10] = [
    wide("PARTY", 11),
    left("PRICE", 9, 2),
    right("BILLED", 9, 0),
    right("OF", 9, 0),
    right("HAD", 6, 3),
    right("LEFT", 6, 0),
    left("WHY", 13, 1),
    left("BILL", 7, 0),
    left("JOINED", 16, 0),
    left("CHARGE", 40, 0),
];

/// Prices and warnings shown at most: the parties below them matter more.
const LINES_MAX: usize = 5;

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, id: SessionId) {
    let page = MoneyPage::Session(id);
    let Some(body) = &mut money::body(paint, state, &page, || id.to_string()) else { return };
    let Some(session) = state.shown().money.session.clone() else { return };
    let mut y = facts(body, state, &session);
    let wide = usize::from(body.width().saturating_sub(2));
    for warning in warnings(&session).iter().take(LINES_MAX) {
        body.at(0, y, body.theme.symbol("▲", "!"), Tone::Warning);
        body.at(2, y, &text::fit(warning, wide, body.theme.ascii), Tone::Warning);
        y += 1;
    }
    let list = &state.lists.parties;
    body.line(y, &table::counted(list, "parties"), Tone::Dim);
    let height = body.height();
    let body = &mut body.rows(y + 1, height);
    let parties = &state.shown().money.parties;
    table::draw::<SessionParty>(body, list, &COLUMNS, |index| match parties.get(index) {
        Some(party) => cells(party),
        None => Vec::new(),
    });
    table::empty(body, list, "Nobody has joined yet.");
}

fn facts(paint: &mut Paint<'_>, state: &State, session: &SessionInfo) -> u16 {
    let ago = |at| state.node_now().map(|now| text::duration(now.since_ms(at)));
    let ago = |at| ago(at).unwrap_or_else(|| "?".into());
    let mut when = format!("offered {} ago", ago(session.offered_at));
    if let Some(at) = session.began_at {
        when += &format!(", began {} ago", ago(at));
    }
    if let Some(at) = session.ended_at {
        let why = session.ended_why.map(|why| format!(" ({why})")).unwrap_or_default();
        when += &format!(", ended {} ago{why}", ago(at));
    }
    let word = format!("  {}  ", session.state);
    let pieces = [
        (session.channel.as_str(), Tone::Accent),
        (word.as_str(), Tone::Title),
        (when.as_str(), Tone::Text),
    ];
    paint.spans(0, 0, &pieces);
    let fee = format!("{}.{:02}", session.fee_bps / 100, session.fee_bps % 100);
    let invited = match session.invited.len() {
        0 => "everybody may join".to_owned(),
        1 => "one is invited".to_owned(),
        some => format!("{some} are invited"),
    };
    let line = format!("host {}, the platform's part is {fee} %, {invited}", session.host);
    paint.line(1, &line, Tone::Dim);
    let mut y = 2;
    for price in session.prices.iter().take(LINES_MAX) {
        paint.line(y, &priced(price, session.currency.as_deref().unwrap_or_default()), Tone::Text);
        y += 1;
    }
    y
}

fn priced(price: &SessionPrice, code: &str) -> String {
    let SessionPrice { name, rate, count, min_seconds, free_seconds, places, taken } = price;
    format!(
        "{name}: {rate} {code} a minute by {count}, {min_seconds} s at least, {free_seconds} s free, {taken} of {places} taken"
    )
}

fn cells(party: &SessionParty) -> Vec<Cell> {
    let why = party.left_why.or(party.paused).map(|why| why.to_string()).unwrap_or_default();
    let (bill, tone) = match (party.settled, party.left_at) {
        (true, _) => ("receipt", Tone::Dim),
        (false, Some(_)) => ("open", Tone::Warning),
        (false, None) => ("runs", Tone::Ok),
    };
    let had = party.delivered_seconds.map(span);
    vec![
        (who(party), Tone::Accent),
        (party.price.clone(), Tone::Text),
        (party.billed.clone().unwrap_or_else(|| "?".into()), Tone::Text),
        (party.cap.clone(), Tone::Text),
        (had.unwrap_or_default(), Tone::Text),
        lasts(party.left_seconds),
        (why, Tone::Warning),
        (bill.into(), tone),
        (text::day(party.joined_at), Tone::Dim),
        (party.charge.clone(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State, id: SessionId) -> Option<Intent> {
    let known = &state.shown().money;
    let session = known.session.as_deref().filter(|_| known.is_of(&MoneyPage::Session(id)));
    match command {
        Command::End => Some(session.map_or(Intent::None, end)),
        Command::Open => {
            let party = session.and_then(|_| state.lists.parties.selected(&known.parties));
            Some(party.map_or(Intent::None, |party| {
                Intent::Open(View::Money(MoneyPage::Wallet(WalletPage::of(who(party)))))
            }))
        }
        _ => None,
    }
}
