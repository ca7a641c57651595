//! `weir ledger`.

use std::time::Duration;

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::money::{ExportQuery, RecordQuery};
use weir_model::money::{
    AccountBalance, ExportFormat, LedgerInfo, LedgerRecord, Posting, PostingStage, Verification,
};

use crate::exit::{Exit, Failure};
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir ledger tail --limit 20\n  weir ledger verify && weir ledger trial-balance";

/// Between two looks at how far a verification is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
        #[arg(long, default_value = "hledger", value_parser = format)]
        format: ExportFormat,
        /// The first record.
        #[arg(long, value_name = "SEQ", default_value_t = 1)]
        from: u64,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Show => {
            let info = session.client.ledger().await?;
            let text = session.view.one(&info, || Sheet(sheet(&info, &session.view)));
            session.print(&text)
        }
        Verb::Tail { from, limit, filter } => tail(session, from, limit, filter).await,
        Verb::Explain { seq } => {
            let found = session.client.explain_record(seq).await?;
            let text = session.view.text(&found, || found.sentences.join("\n") + "\n");
            session.print(&text)
        }
        Verb::Verify => verify(session).await,
        Verb::TrialBalance { filter } => {
            let balances = session.client.trial_balance().await?;
            let balances = filter::fitting(filter.as_ref(), balances, session.view.now);
            let text = session.view.list(&balances, || balance_table(&balances));
            session.print(&text)
        }
        Verb::Export { format, from } => export(session, format, from).await,
    }
}

async fn tail(
    session: &mut Session<'_>,
    from: Option<u64>,
    limit: usize,
    filter: Option<Filter>,
) -> Done {
    let query = RecordQuery { from, limit: Some(limit) };
    let records = session.client.records(&query).await?;
    let records = filter::fitting(filter.as_ref(), records, session.view.now);
    let text = session.view.list(&records, || record_table(&records, &session.view));
    session.print(&text)
}

async fn verify(session: &mut Session<'_>) -> Done {
    let mut state = session.client.verify_ledger().await?;
    while state.running {
        session.say(&format!("{} of {} records", state.checked, state.of));
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
    let mut next = Some(from);
    while let Some(from) = next {
        let piece = session.client.export(&ExportQuery { format, from: Some(from) }).await?;
        session.print(&piece.text)?;
        next = piece.next;
    }
    Ok(())
}

fn format(text: &str) -> Result<ExportFormat, String> {
    match text {
        "hledger" => Ok(ExportFormat::Hledger),
        "beancount" => Ok(ExportFormat::Beancount),
        "csv" => Ok(ExportFormat::Csv),
        other => Err(format!("`{other}` is none of hledger, beancount, csv")),
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
