//! `weir audit`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::audit::AuditQuery;
use weir_model::audit::{ActOutcome, AuditEntry};
use weir_model::limits::ANSWER_ROWS_MAX;

use crate::exit::Failure;
use crate::filter::{self, ASKED_MAX};
use crate::output::{Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir audit list\n  weir audit list --limit 1000 --filter 'name==alice' -o json";

/// What can be asked of the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// What operators and moderators did, oldest first: who, what, to what, why, and what it failed for.
    #[command(
        after_help = "Examples:\n  weir audit list\n  weir audit list --before 1200 --limit 50\n  \
                            weir audit list --filter 'action==stream.end and at<1d'"
    )]
    List {
        /// Only entries before this record of the ledger.
        #[arg(long, value_name = "SEQ")]
        before: Option<u64>,
        /// At most this many, the newest.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::AUDIT_ENTRY))]
        filter: Option<Filter>,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let Verb::List { before, limit, filter } = verb;
    let entries = match filter {
        None => session.client.audit(&AuditQuery { before, limit: Some(limit) }).await?,
        Some(filter) => newest(session, before, limit, &filter).await?,
    };
    let text = session.view.list(&entries, || table(&entries, &session.view));
    session.print(&text)
}

/// The newest `limit` entries that fit, oldest first.
async fn newest(
    session: &mut Session<'_>,
    mut before: Option<u64>,
    limit: usize,
    filter: &Filter,
) -> Result<Vec<AuditEntry>, Failure> {
    let (mut found, mut asked) = (Vec::new(), 0);
    while found.len() < limit {
        let query = AuditQuery { before, limit: Some(ANSWER_ROWS_MAX) };
        let mut page = session.client.audit(&query).await?;
        page.retain(|entry| before.is_none_or(|before| entry.seq < before));
        let Some(first) = page.first().map(|entry| entry.seq) else { break };
        asked += page.len();
        let mut fits = filter::fitting(Some(filter), page, session.view.now);
        fits.append(&mut found);
        found = fits;
        before = Some(first);
        if asked >= ASKED_MAX && found.len() < limit {
            session.say(&format!("looked at {asked} entries; go on with --before {first}"));
            break;
        }
    }
    found.drain(..found.len().saturating_sub(limit));
    Ok(found)
}

fn table(entries: &[AuditEntry], view: &View) -> Table {
    let header = vec!["SEQ", "AT", "WHO", "ACTION", "TARGET", "REASON", "CAME TO"];
    let rows = entries.iter().map(|one| {
        let who = one.name.as_ref().map_or_else(|| one.by.to_string(), ToString::to_string);
        let came_to = match (one.outcome, one.of) {
            (ActOutcome::Begun, _) => String::new(),
            (ActOutcome::Failed, of) => {
                let of = of.map_or_else(String::new, |of| format!("{of}: "));
                format!("{of}{}", one.why.as_deref().unwrap_or_default())
            }
        };
        let (action, target, reason) = (one.action.clone(), one.target.clone(), one.reason.clone());
        vec![one.seq.to_string(), view.ago(one.at), who, action, target, reason, came_to]
    });
    Table { header, rows: rows.collect() }
}
