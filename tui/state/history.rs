//! The node's figures over the last minutes, for graphs.

use std::collections::VecDeque;

use weir_model::node::NodeStatus;

/// Looks kept: ten minutes at one a second.
const LOOKS_KEPT: usize = 600;

/// Figures, one per look at the node, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    ingest: VecDeque<u64>,
    viewers: VecDeque<u64>,
    cpu: Option<(f64, u64)>,
    cpu_percent: Option<f64>,
}

impl History {
    /// Takes in one look.
    pub fn note(&mut self, status: &NodeStatus, now_ms: u64) {
        push(&mut self.ingest, status.ingest_bitrate);
        push(&mut self.viewers, status.viewers);
        self.cpu_percent = self.cpu.and_then(|(seconds, at)| {
            let passed = now_ms.checked_sub(at).filter(|ms| *ms > 0)?;
            let used = status.cpu_seconds - seconds;
            // A restarted node counts from zero again.
            (used >= 0.0).then(|| used * 100_000.0 / passed as f64)
        });
        self.cpu = Some((status.cpu_seconds, now_ms));
    }

    /// Received media, bits per second.
    #[must_use]
    pub fn ingest(&self) -> Vec<u64> {
        self.ingest.iter().copied().collect()
    }

    /// Viewings.
    #[must_use]
    pub fn viewers(&self) -> Vec<u64> {
        self.viewers.iter().copied().collect()
    }

    /// Processor time between the last two looks, percent of one core.
    #[must_use]
    pub const fn cpu_percent(&self) -> Option<f64> {
        self.cpu_percent
    }
}

fn push(to: &mut VecDeque<u64>, value: u64) {
    if to.len() >= LOOKS_KEPT {
        to.pop_front();
    }
    to.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn processor_use_is_the_difference_of_two_looks() {
        let mut history = History::default();
        let mut status = fixture::recording().status;
        status.cpu_seconds = 10.0;
        history.note(&status, 0);
        assert_eq!(history.cpu_percent(), None);
        status.cpu_seconds = 10.5;
        history.note(&status, 1000);
        assert_eq!(history.cpu_percent(), Some(50.0));
        status.cpu_seconds = 0.0;
        history.note(&status, 2000);
        assert_eq!(history.cpu_percent(), None);
    }

    #[test]
    fn history_is_bounded() {
        let mut history = History::default();
        let status = fixture::recording().status;
        for n in 0..2000 {
            history.note(&status, n);
        }
        assert_eq!(history.ingest().len(), LOOKS_KEPT);
    }
}
