//! `weir ledger`.

mod pages;

use std::time::Duration;

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::money::{ExportQuery, RecordQuery};
use weir_model::money::{
    AccountBalance, ExportFormat, LedgerInfo, LedgerRecord, Posting, PostingStage, Verification,
};

use crate::exit::{Exit, Failure};
use crate::filter;
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
            let balances = pages::balances(session).await?;
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
        (Some(filter), Some(from)) => pages::after(session, from, limit, filter).await?,
        (Some(filter), None) => pages::newest(session, limit, filter).await?,
    };
    let text = session.view.list(&records, || record_table(&records, &session.view));
    session.print(&text)
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
