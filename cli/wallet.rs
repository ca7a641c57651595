//! `weir wallet`.

use clap::Subcommand;
use weir_model::Timestamp;
use weir_model::api::money::{CreditWallet, SetStanding, StatementQuery};
use weir_model::money::{PersonalAccount, StatementInfo, Wallet};
use weir_model::provider::OpenTopUp;
use weir_model::time::span_ms;

use crate::act::{Once, insist, outcome, told};
use crate::exit::{Exit, Failure};
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir wallet show alice\n  weir wallet statement alice --limit 20";

/// What can be asked about what people have, and done with it.
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
        #[arg(long, default_value = "wallet")]
        of: PersonalAccount,
        /// Nothing behind this record.
        #[arg(long, value_name = "SEQ")]
        upto: Option<u64>,
        /// At most this many lines.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Puts money into a wallet: paid in by hand, or given by the platform.
    #[command(
        after_help = "Examples:\n  weir wallet credit alice 20.00 --reason 'bank transfer 7'\n  \
                            weir wallet credit alice 5.00 --grant --expires 30d --dry-run"
    )]
    Credit(Credit),
    /// Asks a payment provider for a page on which somebody pays into a wallet.
    #[command(after_help = "Examples:\n  weir wallet top-up alice 20.00 --provider acme\n  \
                            weir wallet top-up alice 20.00 --provider acme --dry-run")]
    TopUp(TopUp),
    /// Lets nothing leave a wallet, or what is payable to a streamer.
    #[command(after_help = "Examples:\n  weir wallet freeze mallory --reason 'stolen card'\n  \
                            weir wallet freeze mallory --of payable --yes")]
    Freeze(Stand),
    /// Opens again what was frozen.
    #[command(after_help = "Examples:\n  weir wallet unfreeze mallory\n  \
                            weir wallet unfreeze mallory --of payable --reason 'it was a mistake'")]
    Unfreeze(Stand),
}

/// Money that comes in.
#[derive(Debug, clap::Args)]
pub(crate) struct Credit {
    /// Whose, by name or id.
    account: String,
    /// How much, in the ledger's currency.
    amount: String,
    /// The platform gives it: it is spent before paid money and never paid out.
    #[arg(long)]
    grant: bool,
    /// When the rest of a gift is gone: a span from now, or an instant; never when absent. An instant stays the same
    /// when the command is repeated with its --id.
    #[arg(long, value_name = "SPAN|TIME", requires = "grant")]
    expires: Option<String>,
    #[command(flatten)]
    once: Once,
}

/// Money that somebody is to pay.
#[derive(Debug, clap::Args)]
pub(crate) struct TopUp {
    /// Whose wallet, by name or id.
    account: String,
    /// How much, in the ledger's currency.
    amount: String,
    /// By which payment provider.
    #[arg(long, value_name = "NAME")]
    provider: String,
    #[command(flatten)]
    once: Once,
}

/// What is frozen or opened.
#[derive(Debug, clap::Args)]
pub(crate) struct Stand {
    /// Whose, by name or id.
    account: String,
    /// wallet or payable.
    #[arg(long, default_value = "wallet", value_parser = frozen)]
    of: PersonalAccount,
    #[command(flatten)]
    once: Once,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let how = session.mutation();
    let receipt = match verb {
        Verb::Credit(credit) => {
            let (id, expires_at) = (credit.once.id(session)?, expires(session, &credit)?);
            let Credit { account, amount, grant, .. } = credit;
            let body = CreditWallet { id: Some(id), amount, grant, expires_at };
            let ask = async || session.client.credit(&account, &body, &how).await;
            let done = insist(session, id, ask).await?;
            return outcome(session, &done);
        }
        Verb::Freeze(Stand { account, of, once }) => {
            session.confirm(&format!("Freeze the money of {account}?")).await?;
            let id = once.id(session)?;
            let body = SetStanding { id: Some(id), of };
            insist(session, id, async || session.client.freeze(&account, &body, &how).await).await?
        }
        Verb::Unfreeze(Stand { account, of, once }) => {
            let id = once.id(session)?;
            let body = SetStanding { id: Some(id), of };
            insist(session, id, async || session.client.unfreeze(&account, &body, &how).await)
                .await?
        }
        Verb::TopUp(top_up) => return pay_in(session, top_up).await,
        Verb::Show { account } => {
            let wallet = session.client.wallet(&account).await?;
            let text = session.view.one(&wallet, || Sheet(sheet(&wallet)));
            return session.print(&text);
        }
        Verb::Statement { account, of, upto, limit } => {
            let query = StatementQuery { of, upto, limit: Some(limit) };
            let statement = session.client.statement(&account, &query).await?;
            let text = session.view.rows(&statement, || table(&statement, &session.view));
            return session.print(&text);
        }
    };
    told(session, &receipt)
}

async fn pay_in(session: &mut Session<'_>, top_up: TopUp) -> Done {
    let (id, how) = (top_up.once.id(session)?, session.mutation());
    let TopUp { account, amount, provider, .. } = top_up;
    let body = OpenTopUp { id: Some(id), account: Some(account), amount, provider };
    let page = session.client.open_top_up(&body, &how).await?;
    let url = page.url.clone().unwrap_or_default();
    let rows = vec![("reference", page.reference.to_string()), ("pay at", url)];
    let text = session.view.one(&page, || Sheet(rows));
    session.print(&text)
}

fn expires(session: &Session<'_>, credit: &Credit) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = &credit.expires else { return Ok(None) };
    let span = span_ms(text).map(|ms| session.view.now.plus_ms(ms));
    let found = span.or_else(|| text.parse().ok());
    let wrong = format!("`{text}` is neither a span like 30d nor a time like 2030-01-31T12:00:00Z");
    found.map(Some).ok_or_else(|| Failure::new(Exit::Usage, wrong))
}

/// What can be frozen: what somebody pays with, or is paid.
fn frozen(text: &str) -> Result<PersonalAccount, String> {
    let of = text.parse().map_err(|_| format!("`{text}` is neither wallet nor payable"))?;
    match of {
        PersonalAccount::Wallet | PersonalAccount::Payable => Ok(of),
        PersonalAccount::Pending | PersonalAccount::Debt => {
            Err(format!("`{of}` is never frozen; wallet and payable are"))
        }
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
