//! Whether stored records are the ledger's: each follows on the one before, says what its request brings about, and is
//! the one that the chain was made of.

use crate::chain::Link;
use crate::record::{Entry, Head, Record};
use crate::row::Founding;
use crate::state::{Done, State};

/// A ledger that is made again from its first record.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    state: State,
    expected: Option<Founding>,
}

/// The first record that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} is not as it was made: {what}")]
pub struct Fault {
    /// Its number.
    pub seq: u64,
    /// What does not fit.
    pub what: String,
}

impl Verifier {
    /// A verifier that takes the records of that ledger and of no other.
    #[must_use]
    pub fn of(expected: Founding) -> Self {
        Self { state: State::default(), expected: Some(expected) }
    }

    /// Goes on with the record that is stored as `bytes`, behind which the chain stood at `link` when it was made.
    ///
    /// Its request is done once more, and has to bring about the same.
    ///
    /// # Errors
    /// When it is not what it has to be; nothing behind it can be judged then.
    pub fn take(&mut self, bytes: &[u8], link: Link) -> Result<Entry, Fault> {
        let seq = self.state.head().seq + 1;
        let fault = |what: String| Fault { seq, what };
        if self.state.head().link.then(bytes) != link {
            return Err(fault("the chain does not lead to it".into()));
        }
        let record = Record::read(bytes).map_err(|error| fault(error.to_string()))?;
        if record.seq != seq || record.at <= self.state.head().at {
            return Err(fault("it does not follow on the one before".into()));
        }
        let again = self.state.execute(&record.request, record.at);
        let entry = match again.map_err(|refusal| fault(refusal.to_string()))? {
            Done::Recorded(again) if again.record == record => *again,
            _ => return Err(fault("its request brings about something else".into())),
        };
        match &self.expected {
            Some(expected) if self.state.founding() != Some(expected) => {
                Err(fault("it is of another ledger".into()))
            }
            _ => Ok(entry),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn head(&self) -> &Head {
        self.state.head()
    }

    /// What the records so far make.
    #[must_use]
    pub fn into_state(self) -> State {
        self.state
    }
}
