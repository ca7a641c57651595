//! `weir ledger`.

use std::time::Duration;

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::money::{AccountQuery, ExportQuery, RecordQuery};
use weir_model::limits::{ANSWER_ACCOUNTS_MAX, ANSWER_ROWS_MAX};
use weir_model::money::{
    AccountBalance, ExportFormat, LedgerInfo, LedgerRecord, Posting, PostingStage, Verification,
};

use crate::exit::{Exit, Failure};
use crate::filter::{self, ASKED_MAX};
use crate::output::{Format, Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir ledger tail --limit 20\n  weir ledger verify && weir ledger trial-balance";

/// Between two looks at how far a verification is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks at a verification that does not move: a minute.
const LOOKS_MAX: u32 = 120;

/// What can be asked of the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Where it stands: currency, newest record, hash, and whether debits are credits.
    #[command(
        after_help = "Examples:\n  weir ledger show\n  weir ledger show -o json | jq -r .hash"
    )]
    Show,
    /// The newest records, or those from a number on; oldest first.
    #[command(
        after_help = "Examples:\n  weir ledger tail\n  weir ledger tail --from 1 --limit 1000 -o jsonl\n  \
                            weir ledger tail --filter 'what==tip and refused==none'"
    )]
    Tail {
        /// The first record.
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::LEDGER_RECORD))]
        filter: Option<Filter>,
    },
    /// A record in sentences: who asked for what, and what it did.
    #[command(after_help = "Examples:\n  weir ledger explain 42\n  weir ledger explain 42 -o json")]
    Explain {
        /// Its number.
        seq: u64,
    },
    /// Looks at every record: whether it is the one that was made. Exit code 11 when one is not.
    #[command(after_help = "Examples:\n  weir ledger verify\n  weir ledger verify -o json")]
    Verify,
    /// What is on every account.
    #[command(
        name = "trial-balance",
        after_help = "Examples:\n  weir ledger trial-balance\n  \
                            weir ledger trial-balance --filter 'class==income' -o json"
    )]
    TrialBalance {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::ACCOUNT_BALANCE))]
        filter: Option<Filter>,
    },
    /// Writes all records in the words of another bookkeeping program.
    #[command(
        after_help = "Examples:\n  weir ledger export --format hledger > weir.journal && hledger -f weir.journal bal\n  \
                            weir ledger export --format csv --from 1000"
    )]
    Export {
        /// hledger, beancount or csv.
        #[arg(long, default_value = "hledger")]
        format: ExportFormat,
        /// The first record, for a file that goes on where another ended.
        #[arg(long, value_name = "SEQ", default_value_t = 1)]
        from: u64,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Show => {
            let info = session.client.ledger().await?;
            let text = session.view.one(&info, || Sheet(sheet(&info, &session.view)));
            session.print(&text)?;
            if info.is_even { Ok(()) } else { Err(uneven()) }
        }
        Verb::Tail { from, limit, filter } => tail(session, from, limit, filter.as_ref()).await,
        Verb::Explain { seq } => {
            let found = session.client.explain_record(seq).await?;
            let text = session.view.text(&found, || found.sentences.join("\n") + "\n");
            session.print(&text)
        }
        Verb::Verify => verify(session).await,
        Verb::TrialBalance { filter } => {
            let balances = balances(session).await?;
            let balances = filter::fitting(filter.as_ref(), balances, session.view.now);
            let text = session.view.list(&balances, || balance_table(&balances));
            session.print(&text)
        }
        Verb::Export { format, from } => export(session, format, from).await,
    }
}

fn uneven() -> Failure {
    Failure::new(Exit::Critical, "debits are not credits: the ledger is damaged")
        .hint("`weir ledger verify` says which record; stop money until it is understood")
}

async fn tail(
    session: &mut Session<'_>,
    from: Option<u64>,
    limit: usize,
    filter: Option<&Filter>,
) -> Done {
    let records = match (filter, from) {
        (None, _) => session.client.records(&RecordQuery { from, limit: Some(limit) }).await?,
        (Some(filter), Some(from)) => after(session, from, limit, filter).await?,
        (Some(filter), None) => newest(session, limit, filter).await?,
    };
    let text = session.view.list(&records, || record_table(&records, &session.view));
    session.print(&text)
}

/// The first `limit` records from `from` on that fit.
async fn after(
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
async fn newest(
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
async fn balances(session: &mut Session<'_>) -> Result<Vec<AccountBalance>, Failure> {
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

async fn verify(session: &mut Session<'_>) -> Done {
    let mut state = session.client.verify_ledger().await?;
    let mut progress = Progress::default();
    while state.running {
        session.say(&format!("{} of {} records", state.checked, state.of));
        if !progress.goes_on(state.checked) {
            let text = format!("nothing moves behind record {}", state.checked);
            let hint = "the log of the node that verifies may say why; ask again";
            return Err(Failure::new(Exit::Timeout, text).hint(hint));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        state = session.client.verification().await?;
    }
    let text = session.view.one(&state, || Sheet(verdict(&state)));
    session.print(&text)?;
    match &state.fault {
        None => Ok(()),
        Some(fault) => {
            let message = format!("record {} is not as it was made: {}", fault.seq, fault.what);
            let hint = "nothing behind it can be judged; compare this node's ledger folder with that of another voter";
            Err(Failure::new(Exit::Critical, message).hint(hint))
        }
    }
}

async fn export(session: &mut Session<'_>, format: ExportFormat, from: u64) -> Done {
    if session.view.format != Format::Table {
        let text = "an export is in the format of its --format, and never JSON";
        return Err(Failure::new(Exit::Usage, text).hint("leave -o out; `ledger tail` has JSON"));
    }
    let mut query = ExportQuery { format, from: Some(from), continues: false };
    while query.from.is_some() {
        let piece = session.client.export(&query).await?;
        session.print(&piece.text)?;
        query = ExportQuery { from: piece.next, continues: true, ..query };
    }
    Ok(())
}

/// Whether a verification goes on.
#[derive(Default)]
struct Progress {
    checked: u64,
    looks: u32,
}

impl Progress {
    /// False when nothing moved for too long.
    const fn goes_on(&mut self, checked: u64) -> bool {
        self.looks = if checked == self.checked { self.looks + 1 } else { 0 };
        self.checked = checked;
        self.looks < LOOKS_MAX
    }
}

fn sheet(info: &LedgerInfo, view: &View) -> Vec<(&'static str, String)> {
    vec![
        ("currency", info.currency.clone().unwrap_or_else(|| "none yet".into())),
        ("records", info.seq.to_string()),
        ("newest", info.at.map_or_else(|| "-".into(), |at| view.ago(at))),
        ("hash", info.hash.clone()),
        ("accounts", info.accounts.to_string()),
        ("debits are credits", if info.is_even { "yes" } else { "NO" }.into()),
    ]
}

fn verdict(state: &Verification) -> Vec<(&'static str, String)> {
    let found = match &state.fault {
        None => "every record is as it was made".into(),
        Some(fault) => format!("record {}: {}", fault.seq, fault.what),
    };
    vec![("records", format!("{} of {}", state.checked, state.of)), ("found", found)]
}

fn record_table(records: &[LedgerRecord], view: &View) -> Table {
    let header = vec!["SEQ", "AT", "WHAT", "BY", "POSTINGS", "REASON"];
    let rows = records.iter().map(|record| {
        let done = match &record.refused {
            None => postings(&record.postings),
            Some(refused) => format!("refused: {refused}"),
        };
        let (what, by) = (record.what.clone(), record.by.to_string());
        vec![record.seq.to_string(), view.ago(record.at), what, by, done, record.reason.clone()]
    });
    Table { header, rows: rows.collect() }
}

/// What was moved, and between which accounts; what was only reserved or let go is not.
fn postings(all: &[Posting]) -> String {
    let posted = all.iter().filter(|posting| posting.stage == PostingStage::Posted);
    let each = posted.map(|posting| match (&posting.debit, &posting.credit) {
        (Some(debit), _) => format!("-{debit} {}", posting.account),
        (_, credit) => format!("+{} {}", credit.as_deref().unwrap_or_default(), posting.account),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn balance_table(balances: &[AccountBalance]) -> Table {
    let header = vec!["ACCOUNT", "CLASS", "DEBITS", "CREDITS", "RESERVED", "BALANCE", "STANDING"];
    let rows = balances.iter().map(|one| {
        [
            &one.account,
            &one.class,
            &one.debits,
            &one.credits,
            &one.reserved,
            &one.balance,
            &one.standing,
        ]
        .map(Clone::clone)
        .to_vec()
    });
    Table { header, rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_that_does_not_move_for_a_minute_is_given_up() {
        let mut progress = Progress::default();
        for checked in [0, 0, 7] {
            assert!(progress.goes_on(checked));
        }
        assert!((1..LOOKS_MAX).all(|_| progress.goes_on(7)));
        assert!(!progress.goes_on(7));
        assert!(progress.goes_on(8), "it moves again");
    }
}
