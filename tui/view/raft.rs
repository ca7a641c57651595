//! The agreement of the voters, as the asked node sees it, with what is wrong with the cluster.

use weir_model::cluster::{ClusterStatus, RaftPeer, RaftRole};
use weir_model::stream::HealthLevel;

use crate::state::State;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 5] = [
    wide("NODE", 12),
    left("ROLE", 9, 0),
    left("VOTES", 5, 0),
    right("MATCHED", 12, 1),
    right("LAG", 8, 0),
];

/// Findings shown at most: the nodes below them matter more.
const FINDINGS_MAX: usize = 5;

/// Lines of figures above the findings.
const FACTS: u16 = 3;

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let Some(status) = state.shown().cluster.clone() else {
        let refused = state.shown().refused.as_deref();
        paint.line(0, refused.unwrap_or("Waiting for the node."), Tone::Dim);
        return;
    };
    facts(paint, &status);
    let mut y = FACTS;
    for one in status.warnings.iter().take(FINDINGS_MAX) {
        let (word, tone) = match one.level {
            HealthLevel::Ok => ("note", Tone::Dim),
            HealthLevel::Warning => (paint.theme.symbol("▲ warning", "! warning"), Tone::Warning),
            HealthLevel::Bad => (paint.theme.symbol("✖ bad", "X bad"), Tone::Bad),
        };
        let line = format!("{word}: {} {}", one.text, one.advice);
        paint.line(y, &text::fit(&line, usize::from(paint.width()), paint.theme.ascii), tone);
        y += 1;
    }
    let list = &state.lists.peers;
    paint.line(y, &table::counted(list, "nodes"), Tone::Dim);
    let height = paint.height();
    let body = &mut paint.rows(y + 1, height);
    let peers = &status.raft.peers;
    table::draw::<RaftPeer>(body, list, &COLUMNS, |index| match peers.get(index) {
        Some(peer) => cells(peer),
        None => Vec::new(),
    });
    table::empty(body, list, "No node takes part.");
}

fn facts(paint: &mut Paint<'_>, status: &ClusterStatus) {
    let (raft, quorum) = (&status.raft, status.quorum);
    let (leader, tone) = match &raft.leader_name {
        Some(name) => (name.as_str(), Tone::Accent),
        None => ("none is known", Tone::Bad),
    };
    let own = format!("   {} is {}, term {}", status.name, raft.role.as_str(), raft.term);
    paint.spans(0, 0, &[("leader ", Tone::Dim), (leader, tone), (&own, Tone::Text)]);
    let up = format!("{} of {} voters up, {} needed", quorum.up, quorum.voters, quorum.needed);
    let tone = if quorum.holds() { Tone::Ok } else { Tone::Bad };
    let snapshot = raft.snapshot.map_or_else(|| "none".to_owned(), |index| index.to_string());
    let log = format!("   applied {} of {}, snapshot {snapshot}", raft.applied, raft.last_log);
    paint.spans(0, 1, &[("quorum ", Tone::Dim), (&up, tone), (&log, Tone::Text)]);
    let versions = status.versions.iter().map(|one| format!("{} on {}", one.version, one.nodes));
    let versions = versions.collect::<Vec<_>>().join(", ");
    let skew = status.clock_skew_ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms} ms"));
    let line = format!(
        "{} actors placed, {} wait   versions {versions}   clock skew {skew}",
        status.leases, status.vacant
    );
    paint.line(2, &line, Tone::Text);
}

fn cells(peer: &RaftPeer) -> Vec<Cell> {
    let tone = match peer.role {
        RaftRole::Leader => Tone::Ok,
        RaftRole::Candidate | RaftRole::Stopped => Tone::Warning,
        RaftRole::Follower | RaftRole::Learner => Tone::Text,
    };
    let figure = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    vec![
        (peer.name.clone(), Tone::Accent),
        (peer.role.as_str().into(), tone),
        (if peer.voter { "yes" } else { "no" }.into(), Tone::Text),
        (figure(peer.matched), Tone::Text),
        (figure(peer.lag), Tone::Text),
    ]
}
