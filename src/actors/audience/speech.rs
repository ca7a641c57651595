//! What this node has said of its viewings, as the bytes that others are sent.

use bytes::Bytes;
use weir_cluster::viewings::Reporter;
use weir_model::{Incarnation, NodeId};

use crate::actors::viewings::{Log, Viewings};
use crate::link::request::{Refusal, encoded};

/// Reports that are kept for who missed them. Most are small; who missed more is given everything, which is at most
/// as much.
const KEPT_MAX: usize = 16;

/// This node's reports.
pub(super) struct Speech {
    reporter: Reporter,
    /// Numbered as the reports are.
    said: Log<Bytes>,
}

/// What somebody has to be sent, in this order. Each with how far it brings who hears it; none before the last part
/// of a full report.
pub(super) type Words = Vec<(Option<u64>, Bytes)>;

impl Speech {
    pub(super) const fn new(node: NodeId, incarnation: Incarnation) -> Self {
        Self { reporter: Reporter::new(node, incarnation), said: Log::new(KEPT_MAX) }
    }

    /// Says what has changed since the last time. Answers with what could not be written.
    pub(super) fn go_on(&mut self, viewings: &Viewings, now_ms: u64) -> Result<(), Refusal> {
        let (reports, silent) = viewings.report(&mut self.reporter, now_ms);
        if !silent.is_empty() {
            tracing::info!(?silent, "nodes are silent; their viewers do not count any more");
        }
        for report in reports {
            self.said.push(encoded(&report)?);
        }
        Ok(())
    }

    /// What is news to who has heard the reports up to number `heard`, or nothing yet.
    pub(super) fn after(&self, heard: Option<u64>) -> Result<Words, Refusal> {
        if let Some(heard) = heard
            && let Some(news) = self.said.after(heard)
        {
            let numbered = (heard + 1..).zip(news);
            return Ok(numbered.map(|(number, body)| (Some(number), body)).collect());
        }
        let parts = self.reporter.full();
        let last = parts.len().saturating_sub(1);
        let mut bodies = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            bodies.push(((at == last).then_some(part.seq), encoded(part)?));
        }
        Ok(bodies)
    }
}
