//! `weir approval`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::approval::ApprovalInfo;
use weir_model::charge::LedgerId;

use crate::act::{proposed, repeat, told};
use crate::filter;
use crate::output::{Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir approval list --filter 'state==open'\n  \
    weir approval confirm 0123456789abcdef0123456789abcdef --dry-run";

/// It is done once by its own id.
const AGAIN: &str = "type the same command again";

/// What can be done with what takes two people.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists proposals, the newest first: what would move, who proposed it, until when somebody else can decide.
    #[command(
        after_help = "Examples:\n  weir approval list --filter 'state==open and amount>1000'\n  \
                            weir approval list -o json"
    )]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::APPROVAL))]
        filter: Option<Filter>,
    },
    /// Has a proposal done that another account made.
    #[command(
        after_help = "Examples:\n  weir approval confirm 0123456789abcdef0123456789abcdef --dry-run\n  \
                            weir approval confirm 0123456789abcdef0123456789abcdef --yes"
    )]
    Confirm {
        /// Which one.
        id: LedgerId,
    },
    /// Says that a proposal of another account never happens.
    #[command(
        after_help = "Examples:\n  weir approval reject 0123456789abcdef0123456789abcdef\n  \
                            weir approval reject 0123456789abcdef0123456789abcdef --reason 'no such invoice'"
    )]
    Reject {
        /// Which one.
        id: LedgerId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let how = session.mutation();
    match verb {
        Verb::List { filter } => {
            let all = session.client.approvals().await?;
            let all = filter::fitting(filter.as_ref(), all, session.view.now);
            let text = session.view.list(&all, || table(&all, &session.view));
            session.print(&text)
        }
        Verb::Confirm { id } => {
            session.confirm(&format!("Have proposal {id} done?")).await?;
            let ask = async || session.client.confirm_approval(id, &how).await;
            let receipt = repeat(session, AGAIN, ask).await?;
            told(session, &receipt)
        }
        Verb::Reject { id } => {
            let info = session.client.reject_approval(id, &how).await?;
            proposed(session, &info)
        }
    }
}

fn table(all: &[ApprovalInfo], view: &View) -> Table {
    let header = vec!["ID", "WHAT", "AMOUNT", "THEN", "BY", "SINCE", "STATE", "REASON", "RECORD"];
    let rows = all.iter().map(|one| {
        let by = one.name.as_ref().map_or_else(|| one.by.to_string(), ToString::to_string);
        vec![
            one.id.to_string(),
            one.what.clone(),
            format!("{} {}", one.amount, one.currency),
            one.then.clone(),
            by,
            view.ago(one.at),
            one.state.to_string(),
            one.reason.clone(),
            one.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        ]
    });
    Table { header, rows: rows.collect() }
}
