//! The command log: every act of this console, as the command line that does the same, with its outcome.

use weir_model::Timestamp;

/// Entries kept: a long shift; the node's event log has the rest.
const ENTRIES_MAX: usize = 500;

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Still waiting for the node.
    Running,
    /// Done; what the node said.
    Done(String),
    /// Not done, or not known to be done; why.
    Failed(String),
}

impl Outcome {
    /// The word in the table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
        }
    }

    /// The node's sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Running => "",
            Self::Done(text) | Self::Failed(text) => text,
        }
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number in this run.
    pub id: u64,
    /// When it was asked, by the node's clock; none before the node was first seen.
    pub at: Option<Timestamp>,
    /// The command line.
    pub cli: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// All acts of this run, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Vec<Entry>,
    next: u64,
}

impl Log {
    /// Notes a new act; answers its number.
    pub fn begin(&mut self, at: Option<Timestamp>, cli: String) -> u64 {
        self.next += 1;
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.remove(0);
        }
        self.entries.push(Entry { id: self.next, at, cli, outcome: Outcome::Running });
        self.next
    }

    /// Notes how an act ended.
    pub fn end(&mut self, id: u64, result: Result<String, String>) -> Option<&Entry> {
        let entry = self.entries.iter_mut().find(|e| e.id == id)?;
        entry.outcome = match result {
            Ok(text) => Outcome::Done(text),
            Err(text) => Outcome::Failed(text),
        };
        Some(entry)
    }

    /// Oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Acts the node has not answered yet.
    #[must_use]
    pub fn running(&self) -> usize {
        self.entries.iter().filter(|e| e.outcome == Outcome::Running).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_runs_until_the_node_answers() {
        let mut log = Log::default();
        let id = log.begin(None, "weir stream kick a".into());
        assert_eq!(log.running(), 1);
        log.end(id, Err("refused".into()));
        assert_eq!(log.running(), 0);
        assert_eq!(log.entries()[0].outcome, Outcome::Failed("refused".into()));
    }

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest() {
        let mut log = Log::default();
        for n in 0..=ENTRIES_MAX {
            log.begin(None, n.to_string());
        }
        assert_eq!(log.entries().len(), ENTRIES_MAX);
        assert_eq!(log.entries()[0].cli, "1");
    }
}
