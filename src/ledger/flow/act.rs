//! What staff do beside the ledger: the entries of the audit log. They stand between the records of money, in the same
//! chain, so that neither can be changed or left out without the other.

use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::row::Row;

/// Characters of an action's name.
pub const ACTION_CHARS_MAX: usize = 64;
/// Characters of what it is done to, and of what it failed for.
pub const TARGET_CHARS_MAX: usize = 256;
/// Characters of what was asked for.
pub const DETAIL_CHARS_MAX: usize = 1_024;

/// How far an act has come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// It is about to be done. Recorded before anything changes.
    Begun,
    /// What was begun was not done, and why: the act with this number came to nothing.
    Failed {
        /// The record of its beginning.
        begun: u64,
        /// What it failed for.
        why: String,
    },
}

/// Something that somebody of the staff does. Why is the request's reason, who its `by`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Act {
    /// What, by the name of the right that it takes: `stream.end`.
    pub action: String,
    /// To what: a path of the API, `/v1/streams/demo/kick`.
    pub target: String,
    /// In which words, without secrets; empty when the path says all.
    pub detail: String,
    /// Where it came from: an address, or the console of a node.
    pub from: String,
    /// How far it has come.
    pub outcome: Outcome,
}

impl Act {
    /// Refuses what is longer than an entry may be.
    ///
    /// # Errors
    /// Says what is too long.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let why = match &self.outcome {
            Outcome::Begun => "",
            Outcome::Failed { why, .. } => why,
        };
        let is_long = |text: &str, most: usize| text.len() > most && text.chars().count() > most;
        let long = [
            ("the action", self.action.as_str(), ACTION_CHARS_MAX),
            ("what it is done to", &self.target, TARGET_CHARS_MAX),
            ("what was asked for", &self.detail, DETAIL_CHARS_MAX),
            ("where it came from", &self.from, ACTION_CHARS_MAX),
            ("what it failed for", why, TARGET_CHARS_MAX),
        ];
        match long.into_iter().find(|(_, text, most)| is_long(text, *most)) {
            Some((what, _, most)) => {
                Err(Refusal::Invalid(format!("{what} is longer than {most} characters")))
            }
            None => Ok(()),
        }
    }
}

/// Each entry names the one before it, so that they are read without what lies between them.
pub(super) fn run(draft: &mut Draft<'_>, act: &Act) -> Result<Receipt, Refusal> {
    act.check()?;
    if let Outcome::Failed { begun, .. } = act.outcome
        && begun >= draft.seq()
    {
        return Err(Refusal::Invalid(format!("record {begun} is none yet")));
    }
    draft.put(Row::Act(draft.newest_act()));
    Ok(Receipt::default())
}
