//! `weir account`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::people::{AccountQuery, CreateAccount, SetPassword, SetRoles};
use weir_model::{Account, AccountName, AccountRole};

use crate::exit::Failure;
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir account create alice --role streamer --password\n  weir account list -o json";

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes an account.
    #[command(after_help = "Examples:\n  weir account create alice --role streamer --password\n  \
                            weir account create ci_bot --role operator -o json\n  \
                            pass show alice | weir account create alice --password-stdin")]
    Create {
        /// Its name: 3 to 24 of a-z, 0-9 and `_`, a letter first.
        name: AccountName,
        /// What it is there for: viewer, streamer, moderator, operator, auditor. May be given several times.
        #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', default_value = "viewer")]
        roles: Vec<AccountRole>,
        #[command(flatten)]
        password: Typed,
    },
    /// Lists accounts by name.
    #[command(after_help = "Examples:\n  weir account list --limit 1000\n  \
                            weir account list --after mallory -o jsonl\n  \
                            weir account list --filter 'roles==operator and disabled_at==none'")]
    List {
        /// Only accounts whose name comes after this one.
        #[arg(long, value_name = "NAME")]
        after: Option<AccountName>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::ACCOUNT))]
        filter: Option<Filter>,
    },
    /// Shows an account.
    #[command(after_help = "Examples:\n  weir account show alice\n  \
                            weir account show acc_0123456789abcdef -o json")]
    Show {
        /// Which one, by name or id.
        account: String,
    },
    /// Gives an account these roles and no others.
    #[command(after_help = "Examples:\n  weir account role alice streamer moderator\n  \
                            weir account role mallory --none --reason abuse")]
    Role {
        /// Which one, by name or id.
        account: String,
        /// All roles from now on.
        #[arg(value_name = "ROLE", required_unless_present = "none", conflicts_with = "none")]
        roles: Vec<AccountRole>,
        /// It may do nothing any more.
        #[arg(long)]
        none: bool,
    },
    /// Sets an account's password; every token of it ends.
    #[command(after_help = "Examples:\n  weir account password alice\n  \
                            weir account password alice --reason 'asked for it'\n  \
                            pass show alice | weir account password alice --password-stdin")]
    Password {
        /// Which one, by name or id.
        account: String,
        /// Take it from the standard input: its first line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lets an account do nothing any more; every token of it ends.
    #[command(after_help = "Examples:\n  weir account disable mallory\n  \
                            weir account disable mallory --yes --reason abuse")]
    Disable {
        /// Which one, by name or id.
        account: String,
    },
    /// Lets a disabled account sign in again.
    #[command(after_help = "Examples:\n  weir account enable mallory\n  \
                            weir account enable mallory --reason 'asked for pardon'")]
    Enable {
        /// Which one, by name or id.
        account: String,
    },
    /// Logs an account out everywhere: every token of it ends, those of programs too.
    #[command(after_help = "Examples:\n  weir account log-out alice\n  \
                            weir account log-out alice --yes --reason 'lost phone'")]
    LogOut {
        /// Which one, by name or id.
        account: String,
    },
}

/// Where a new account's password comes from; without one it can only be used by tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct Typed {
    /// Ask for a password, with which it can sign in on the watch pages.
    #[arg(long)]
    password: bool,
    /// Take the password from the standard input: its first line.
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let how = session.mutation();
    let account = match verb {
        Verb::List { after, limit, filter } => {
            return list(session, after, limit, filter.as_ref()).await;
        }
        Verb::Create { name, roles, password } => {
            let (wanted, from_stdin) =
                (password.password || password.password_stdin, password.password_stdin);
            let password = match wanted {
                true => Some(session.new_password(from_stdin).await?),
                false => None,
            };
            let body = CreateAccount { name: name.to_string(), roles: Some(roles), password };
            session.client.create_account(&body, &how).await?
        }
        Verb::Show { account } => session.client.account(&account).await?,
        Verb::Role { account, roles, none: _ } => {
            session.client.set_roles(&account, &SetRoles { roles }, &how).await?
        }
        Verb::Password { account, password_stdin } => {
            let password = session.new_password(password_stdin).await?;
            session.client.set_password(&account, &SetPassword { password }, &how).await?
        }
        Verb::Disable { account } => {
            let question = format!("Disable account {account}? It is logged out everywhere.");
            session.confirm(&question).await?;
            session.client.disable_account(&account, &how).await?
        }
        Verb::Enable { account } => session.client.enable_account(&account, &how).await?,
        Verb::LogOut { account } => {
            let question = format!("End every token of account {account}, those of programs too?");
            session.confirm(&question).await?;
            session.client.log_out_account(&account, &how).await?
        }
    };
    let text = session.view.one(&account, || sheet(&account, &session.view));
    session.print(&text)
}

async fn list(
    session: &mut Session<'_>,
    after: Option<AccountName>,
    limit: usize,
    filter: Option<&Filter>,
) -> Done {
    let mut accounts = match filter {
        None => session.client.accounts(&AccountQuery { after, limit: Some(limit) }).await?,
        Some(filter) => fitting(session, after, limit, filter).await?,
    };
    accounts.truncate(limit);
    let text = session.view.list(&accounts, || table(&accounts, &session.view));
    session.print(&text)?;
    if let Some(last) = accounts.last().filter(|_| accounts.len() == limit) {
        let hint = format!("only the first {limit}; --after {} goes on", last.name);
        session.say(&hint);
    }
    Ok(())
}

/// Page after page, until enough fit or there are no more.
async fn fitting(
    session: &Session<'_>,
    mut after: Option<AccountName>,
    limit: usize,
    filter: &Filter,
) -> Result<Vec<Account>, Failure> {
    let mut fit = Vec::new();
    loop {
        let query = AccountQuery { after, limit: Some(filter::ASKED_MAX) };
        let page = session.client.accounts(&query).await?;
        let more = page.len() == filter::ASKED_MAX;
        after = page.last().map(|account| account.name.clone());
        fit.extend(filter::fitting(Some(filter), page, session.view.now));
        if !more || fit.len() >= limit {
            return Ok(fit);
        }
    }
}

fn state(account: &Account) -> &'static str {
    if account.disabled_at.is_some() { "disabled" } else { "enabled" }
}

fn table(accounts: &[Account], view: &View) -> Table {
    let rows = accounts.iter().map(|account| {
        vec![
            account.name.to_string(),
            account.roles.to_string(),
            state(account).into(),
            if account.password { "yes" } else { "no" }.into(),
            view.ago(account.created_at),
        ]
    });
    Table { header: vec!["NAME", "ROLES", "STATE", "PASSWORD", "CREATED"], rows: rows.collect() }
}

pub(crate) fn sheet(account: &Account, view: &View) -> Sheet {
    Sheet(vec![
        ("name", account.name.to_string()),
        ("id", account.id.to_string()),
        ("roles", account.roles.to_string()),
        ("state", state(account).into()),
        ("password", if account.password { "yes" } else { "no" }.into()),
        ("created", view.ago(account.created_at)),
    ])
}
