//! `weir wallet`.

use clap::Subcommand;
use weir_model::api::money::StatementQuery;
use weir_model::money::{PersonalAccount, StatementInfo, Wallet};

use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir wallet show alice\n  weir wallet statement alice --limit 20";

/// What can be asked about what people have.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// What somebody can spend, has reserved, earned and owes.
    #[command(
        after_help = "Examples:\n  weir wallet show alice\n  weir wallet show acc_0123456789abcdef -o json"
    )]
    Show {
        /// Whose, by name or id.
        account: String,
    },
    /// What happened on somebody's account: the newest lines, oldest first.
    #[command(after_help = "Examples:\n  weir wallet statement alice\n  \
                            weir wallet statement alice --of payable --limit 1000 -o json")]
    Statement {
        /// Whose, by name or id.
        account: String,
        /// wallet, pending, payable or debt.
        #[arg(long, default_value = "wallet", value_parser = personal)]
        of: PersonalAccount,
        /// Nothing behind this record.
        #[arg(long, value_name = "SEQ")]
        upto: Option<u64>,
        /// At most this many lines.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Show { account } => {
            let wallet = session.client.wallet(&account).await?;
            let text = session.view.one(&wallet, || Sheet(sheet(&wallet)));
            session.print(&text)
        }
        Verb::Statement { account, of, upto, limit } => {
            let query = StatementQuery { of, upto, limit: Some(limit) };
            let statement = session.client.statement(&account, &query).await?;
            let text = session.view.rows(&statement, || table(&statement, &session.view));
            session.print(&text)
        }
    }
}

fn personal(text: &str) -> Result<PersonalAccount, String> {
    match text {
        "wallet" => Ok(PersonalAccount::Wallet),
        "pending" => Ok(PersonalAccount::Pending),
        "payable" => Ok(PersonalAccount::Payable),
        "debt" => Ok(PersonalAccount::Debt),
        other => Err(format!("`{other}` is none of wallet, pending, payable, debt")),
    }
}

fn sheet(wallet: &Wallet) -> Vec<(&'static str, String)> {
    let code = wallet.currency.clone().unwrap_or_default();
    let money = |amount: &String| format!("{amount} {code}").trim_end().to_owned();
    vec![
        ("account", wallet.account.to_string()),
        ("standing", wallet.standing.clone()),
        ("available", money(&wallet.available)),
        ("reserved", money(&wallet.reserved)),
        ("pending", money(&wallet.pending)),
        ("payable", money(&wallet.payable)),
        ("debt", money(&wallet.debt)),
    ]
}

/// The statement between what was there before and what is there after.
fn table(statement: &StatementInfo, view: &View) -> Table {
    let header = vec!["SEQ", "AT", "WHAT", "DEBIT", "CREDIT", "BALANCE", "REASON"];
    let edge = |what: &str, balance: &String| {
        let mut row = vec![String::new(); 7];
        (row[2], row[5]) = (what.to_owned(), balance.clone());
        row
    };
    let lines = statement.lines.iter().map(|line| {
        vec![
            line.seq.to_string(),
            view.ago(line.at),
            line.what.clone(),
            line.debit.clone(),
            line.credit.clone(),
            line.balance.clone(),
            line.reason.clone(),
        ]
    });
    let mut rows = vec![edge("opening", &statement.opening)];
    rows.extend(lines);
    rows.push(edge("closing", &statement.closing));
    Table { header, rows }
}
