//! Figures of money: what this node asks of the ledger, its copy of it, and the private sessions.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use weir_session::{Session, Stage};

use super::cluster::{Made, Register};
use super::{set, signed};
use crate::actors::sessions::{self, Sessions};
use crate::actors::teller::Figures;
use crate::store::ledger::Ledger;

/// How far sessions are.
const STAGES: [(Stage, &str); 3] =
    [(Stage::Offered, "offered"), (Stage::Live, "live"), (Stage::Ended, "ended")];

/// What the figures are made of, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::node) struct Asked {
    /// Requests that the ledger answered, that it was too busy for, and that it did not answer in time.
    pub requests: [(&'static str, u64); 3],
    /// The batches they went in.
    pub batches: u64,
    /// The newest record of this node's copy, and whether its debits are credits; none where there is no copy.
    pub stand: Option<(u64, bool)>,
    /// Of the sessions that this node runs.
    pub sessions: sessions::Figures,
}

impl Asked {
    /// What is so now.
    pub(in crate::node) fn of(
        figures: &Figures,
        ledger: Option<&Ledger>,
        sessions: &Sessions,
    ) -> Self {
        let stand =
            |ledger: &Ledger| ledger.read(|state| (state.head().seq, state.totals().are_even()));
        Self {
            requests: [
                ("answered", figures.answered.load(Relaxed)),
                ("busy", figures.busy.load(Relaxed)),
                ("unanswered", figures.unanswered.load(Relaxed)),
            ],
            batches: figures.batches.load(Relaxed),
            stand: ledger.map(stand),
            sessions: sessions.figures(),
        }
    }
}

/// The registered figures.
pub(super) struct Money {
    requests: IntCounterVec,
    batches: IntCounter,
    seq: IntGauge,
    even: IntGauge,
    sessions: IntGaugeVec,
    paused: IntGauge,
    dropped: IntCounter,
}

impl Money {
    pub(super) fn new(registry: &Registry) -> Made<Self> {
        let with = Register(registry);
        Ok(Self {
            requests: with.counters(
                "weir_ledger_requests_total",
                "Requests of this node for the ledger by what came of them",
                "outcome",
            )?,
            batches: with.counter("weir_ledger_batches_total", "Batches that they went in")?,
            seq: with.gauge("weir_ledger_seq", "The newest record of this node's ledger")?,
            even: with.gauge(
                "weir_ledger_even",
                "0 when debits are not credits in this node's ledger; 1 where there is none",
            )?,
            sessions: with.gauges(
                "weir_sessions",
                "Private sessions of the cluster of which something is left to be done, by state",
                "state",
            )?,
            paused: with.gauge(
                "weir_session_parties_paused",
                "Who takes part in sessions that this node runs and is not billed at the moment",
            )?,
            dropped: with.counter(
                "weir_session_beats_dropped_total",
                "Signs of players that this node had no room for, so that nothing was billed",
            )?,
        })
    }

    pub(super) fn show(&self, asked: &Asked, open: &[Arc<Session>]) {
        for (outcome, count) in asked.requests {
            set(&self.requests.with_label_values(&[outcome]), count);
        }
        set(&self.batches, asked.batches);
        let (seq, is_even) = asked.stand.unwrap_or((0, true));
        self.seq.set(signed(seq));
        self.even.set(i64::from(is_even));
        for (stage, word) in STAGES {
            let count = open.iter().filter(|one| one.stage == stage).count();
            self.sessions.with_label_values(&[word]).set(signed(count as u64));
        }
        self.paused.set(signed(asked.sessions.paused));
        set(&self.dropped, asked.sessions.beats_dropped);
    }
}
