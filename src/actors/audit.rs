//! Writes what staff do into the audit log, before it is done.

use std::time::Duration;

use weir_ledger::request::{Act, Refs};
use weir_ledger::{Command, Request};
use weir_model::{AccountId, ApiError, ErrorCode};

use super::teller::{self, Teller, Untold};

/// A leader that died is replaced within this; until then nobody can be held to account.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes entries. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    teller: Teller,
}

impl Recorder {
    /// By way of `teller`.
    #[must_use]
    pub const fn new(teller: Teller) -> Self {
        Self { teller }
    }

    /// Records that `by` does `act`; answers with the number of the entry, which most voters have on disk.
    ///
    /// # Errors
    /// When it could not be recorded, or nobody says whether it was.
    pub async fn record(&self, by: AccountId, reason: String, act: Act) -> Result<u64, ApiError> {
        let unavailable = |text: String| {
            ApiError::new(ErrorCode::Unavailable, format!("this cannot be recorded: {text}"))
                .hint("what staff do is done only when it stands in the audit log; try again")
        };
        let no_id = || unavailable("the system gives no random numbers".into());
        let id = teller::new_id().ok_or_else(no_id)?.number();
        let (refs, command) = (Refs::default(), Command::Act(act));
        let request = Request { id, by, reason, refs, command };
        let asked = tokio::time::timeout(PATIENCE, self.teller.ask(&request)).await;
        let told = asked.unwrap_or(Err(Untold::Unanswered));
        let answer = told.map_err(|error| unavailable(error.to_string()))?.answer;
        match (answer.result, answer.seq) {
            (Ok(_), Some(seq)) => Ok(seq),
            (Ok(_), None) => Err(unavailable("the ledger kept nothing of it".into())),
            (Err(refusal), _) => Err(unavailable(refusal.to_string())),
        }
    }
}
