//! The audit log, read back along its own chain: each entry names the one before it.

use weir_ledger::record::Entry;
use weir_ledger::request::{Act, Command, Outcome};
use weir_ledger::row::Row;
use weir_ledger::text::inert;
use weir_model::ApiError;
use weir_model::audit::{ActOutcome, AuditEntry};

use super::fit::newest_fitting;
use super::read::broken;
use crate::store::ledger::Ledger;

/// The newest entries before record `before`, oldest first, without their accounts' names. Those before them are before
/// the first of them.
pub(super) fn acts(
    ledger: &Ledger,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AuditEntry>, ApiError> {
    let newest = ledger.read(weir_ledger::State::newest_act);
    let mut next = match before {
        Some(before) if before <= newest => first_before(ledger, newest, before)?,
        _ => newest,
    };
    let mut entries = Vec::new();
    while next > 0 && entries.len() < limit {
        let Some(entry) = record(ledger, next)? else { break };
        next = one_before(&entry).unwrap_or_default();
        entries.extend(shown(&entry));
    }
    entries.reverse();
    newest_fitting(entries)
}

/// The newest entry before record `before`. Where a page ended, at an entry, the next one goes on; only from another
/// record the way there begins at the newest entry.
fn first_before(ledger: &Ledger, newest: u64, before: u64) -> Result<u64, ApiError> {
    if let Some(next) = record(ledger, before)?.as_ref().and_then(one_before) {
        return Ok(next);
    }
    let mut next = newest;
    while next >= before && next > 0 {
        next = record(ledger, next)?.as_ref().and_then(one_before).unwrap_or_default();
    }
    Ok(next)
}

fn record(ledger: &Ledger, seq: u64) -> Result<Option<Entry>, ApiError> {
    let found = ledger.records(seq, 1).map_err(broken)?.pop();
    Ok(found.filter(|entry| entry.record.seq == seq))
}

/// The entry before this one, zero for the first; none when this is no entry.
fn one_before(entry: &Entry) -> Option<u64> {
    entry.record.rows.iter().find_map(|row| match row {
        Row::Act(before) => Some(*before),
        _ => None,
    })
}

fn shown(entry: &Entry) -> Option<AuditEntry> {
    let request = &entry.record.request;
    let Command::Act(Act { action, target, detail, from, outcome }) = &request.command else {
        return None;
    };
    let (outcome, of, why) = match outcome {
        Outcome::Begun => (ActOutcome::Begun, None, None),
        Outcome::Failed { begun, why } => (ActOutcome::Failed, Some(*begun), Some(inert(why))),
    };
    Some(AuditEntry {
        seq: entry.record.seq,
        at: entry.record.at.time(),
        by: request.by,
        name: None,
        action: inert(action),
        target: inert(target),
        detail: inert(detail),
        token: inert(from),
        reason: inert(&request.reason),
        outcome,
        of,
        why,
        hash: entry.link.to_string(),
    })
}
