//! What one answer does not hold is asked for page by page.

use weir_client::filter::Filter;
use weir_model::api::money::{AccountQuery, RecordQuery};
use weir_model::limits::{ANSWER_ACCOUNTS_MAX, ANSWER_ROWS_MAX};
use weir_model::money::{AccountBalance, LedgerRecord};

use crate::exit::Failure;
use crate::filter::{self, ASKED_MAX};
use crate::session::Session;

/// The first `limit` records from `from` on that fit.
pub(super) async fn after(
    session: &mut Session<'_>,
    from: u64,
    limit: usize,
    filter: &Filter,
) -> Result<Vec<LedgerRecord>, Failure> {
    let (mut found, mut next) = (Vec::new(), from);
    while found.len() < limit && next - from < ASKED_MAX as u64 {
        let page = records(session, next, next + ANSWER_ROWS_MAX as u64).await?;
        let Some(last) = page.last() else { return Ok(found) };
        next = last.seq + 1;
        found.extend(filter::fitting(Some(filter), page, session.view.now));
    }
    if found.len() < limit {
        session.say(&format!("looked at {} records; go on with --from {next}", next - from));
    }
    found.truncate(limit);
    Ok(found)
}

/// The newest `limit` records that fit, oldest first.
pub(super) async fn newest(
    session: &mut Session<'_>,
    limit: usize,
    filter: &Filter,
) -> Result<Vec<LedgerRecord>, Failure> {
    let query = RecordQuery { from: None, limit: Some(ANSWER_ROWS_MAX) };
    let mut page = session.client.records(&query).await?;
    let end = page.last().map_or(0, |record| record.seq);
    let mut found = Vec::new();
    while let Some(first) = page.first().map(|record| record.seq) {
        let mut fits = filter::fitting(Some(filter), page, session.view.now);
        fits.append(&mut found);
        found = fits;
        if found.len() >= limit || first <= 1 {
            break;
        }
        if end - first >= ASKED_MAX as u64 {
            session.say(&format!("looked at the newest {} records only", end - first + 1));
            break;
        }
        page = records(session, first.saturating_sub(ANSWER_ROWS_MAX as u64).max(1), first).await?;
    }
    found.drain(..found.len().saturating_sub(limit));
    Ok(found)
}

/// Records from one up to, without, another; an answer may be cut before its last.
async fn records(session: &Session<'_>, from: u64, to: u64) -> Result<Vec<LedgerRecord>, Failure> {
    let (mut all, mut next) = (Vec::new(), from);
    while next < to {
        let limit = usize::try_from(to - next).ok();
        let page = session.client.records(&RecordQuery { from: Some(next), limit }).await?;
        let page = page.into_iter().filter(|record| (next..to).contains(&record.seq));
        let before = all.len();
        all.extend(page);
        let Some(last) = all.get(before..).and_then(<[LedgerRecord]>::last) else { break };
        next = last.seq + 1;
    }
    Ok(all)
}

/// What is on every account, by name; page by page when there are many.
pub(super) async fn balances(session: &mut Session<'_>) -> Result<Vec<AccountBalance>, Failure> {
    let (mut all, mut stand) = (Vec::new(), None);
    loop {
        let query = AccountQuery { from: Some(all.len()), limit: Some(ANSWER_ACCOUNTS_MAX) };
        let page = session.client.trial_balance(&query).await?;
        let is_last = page.len() < ANSWER_ACCOUNTS_MAX;
        all.extend(page);
        if !is_last && stand.is_none() {
            // More than one page: what moves between them is on one side only, so it has to be seen.
            stand = Some(session.client.ledger().await?.seq);
            all.clear();
        } else if is_last {
            break;
        }
    }
    if stand.is_some() && stand != Some(session.client.ledger().await?.seq) {
        session.say("money moved meanwhile, so debits need not be credits; ask again");
    }
    all.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(all)
}
