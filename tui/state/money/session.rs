//! A private session in few words: who is in it, what it cost until now, for how long it lasts, and why it pauses.

use weir_model::session::{SessionHalt, SessionInfo, SessionParty, SessionState};

use super::sum::sum;

/// Time left below which somebody should know: a minute is what is reserved at a time.
pub const SOON_SECONDS: u64 = 60;

/// Parties that are in it now.
pub fn present(session: &SessionInfo) -> impl Iterator<Item = &SessionParty> {
    session.parties.iter().filter(|party| party.left_at.is_none())
}

/// The party's name, or the account when it has none any more.
#[must_use]
pub fn who(party: &SessionParty) -> String {
    party.name.as_ref().map_or_else(|| party.account.to_string(), ToString::to_string)
}

/// Those who are in it; of one that is over, those who were.
#[must_use]
pub fn names(session: &SessionInfo) -> String {
    let over = session.state == SessionState::Ended;
    let all = session.parties.iter().filter(|party| over || party.left_at.is_none());
    all.map(who).collect::<Vec<_>>().join(" ")
}

/// What a minute costs a guest.
#[must_use]
pub fn rate(session: &SessionInfo) -> &str {
    session.prices.first().map_or("", |price| &price.rate)
}

/// What all parties were billed until now, as far as somebody says it.
#[must_use]
pub fn billed(session: &SessionInfo) -> Option<String> {
    sum(session.parties.iter().filter_map(|party| party.billed.as_deref()))
}

/// Until the first of those who are in it can pay no more, seconds.
#[must_use]
pub fn left(session: &SessionInfo) -> Option<u64> {
    present(session).filter_map(|party| party.left_seconds).min()
}

/// Why it is over, or why time of one who is in it is not billed at the moment.
#[must_use]
pub fn why(session: &SessionInfo) -> Option<SessionHalt> {
    session.ended_why.or_else(|| present(session).find_map(|party| party.paused))
}

/// What somebody should look at, a sentence each.
#[must_use]
pub fn warnings(session: &SessionInfo) -> Vec<String> {
    let mut said = Vec::new();
    for party in present(session) {
        let name = who(party);
        if let Some(why) = party.paused {
            said.push(format!("{name} is not billed now: {}.", sentence(why)));
        }
        if let Some(left) = party.left_seconds.filter(|left| *left < SOON_SECONDS) {
            said.push(format!("{name} can pay for {left} s more."));
        }
        if session.state == SessionState::Live && party.billed.is_none() {
            said.push(format!("Nobody says what {name} was billed until now: its node is silent."));
        }
    }
    let unsettled = session.parties.iter().filter(|party| party.left_at.is_some());
    for party in unsettled.filter(|party| !party.settled) {
        said.push(format!("{} has left and has no receipt yet.", who(party)));
    }
    said
}

/// The reason in words that need no table.
const fn sentence(why: SessionHalt) -> &'static str {
    match why {
        SessionHalt::Viewer => "the viewer ended it",
        SessionHalt::Streamer => "the streamer ended it",
        SessionHalt::Operator => "an operator ended it",
        SessionHalt::ViewerGone => "the viewer's player is silent",
        SessionHalt::StreamerGone => "no media comes from the streamer",
        SessionHalt::Balance => "the viewer has nothing left to reserve",
        SessionHalt::Ledger => "the ledger does not answer",
        SessionHalt::Cap => "what the viewer agreed to at most is spent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::money::sessions;

    #[test]
    fn a_session_costs_what_its_parties_cost_and_lasts_as_long_as_the_first_of_them_can_pay() {
        let live = &sessions()[0];
        assert_eq!(names(live), "fan onlooker_7");
        assert_eq!((billed(live).as_deref(), left(live)), (Some("7.85"), Some(41)));
        assert_eq!(why(live), Some(SessionHalt::ViewerGone));
    }

    #[test]
    fn what_needs_a_look_is_said_in_sentences() {
        let live = &sessions()[0];
        assert_eq!(
            warnings(live),
            [
                "onlooker_7 is not billed now: the viewer's player is silent.",
                "onlooker_7 can pay for 41 s more.",
                "early_bird has left and has no receipt yet.",
            ]
        );
        assert_eq!(warnings(&sessions()[2]), Vec::<String>::new());
    }
}
