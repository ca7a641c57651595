//! `weir token`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::people::{CreateToken, CreatedToken, TokenQuery};
use weir_model::{ChannelName, Token, TokenId};

use crate::filter;
use crate::key::{Expiry, expiry};
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir token create --account ci_bot --scope operate --expires 30d\n  \
     weir token list --account ci_bot";

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a token and shows it this once.
    #[command(
        after_help = "Examples:\n  weir token create --account molly --scope moderate --expires 8h\n  \
                            weir token create --scope key.create --channel demo --expires 30d -o json | jq -r .token"
    )]
    Create {
        /// Whose it will be, by name or id; one's own when absent. It never can more than this account.
        #[arg(long)]
        account: Option<String>,
        /// What it is limited to: all, read, moderate, operate, money, or single actions. May be given several times.
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// The only channel it is good for.
        #[arg(long)]
        channel: Option<ChannelName>,
        /// Which program holds it.
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// When it stops to work: 90m, 12h, 30d, or an instant like 2030-01-01T00:00:00Z; a year at most.
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Expiry,
    },
    /// Lists the tokens of an account, without their secrets.
    #[command(
        after_help = "Examples:\n  weir token list\n  weir token list --account alice -o jsonl\n  \
                            weir token list --filter 'kind==api and expires_at<7d'"
    )]
    List {
        /// Whose, by name or id; one's own when absent.
        #[arg(long)]
        account: Option<String>,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::TOKEN))]
        filter: Option<Filter>,
    },
    /// Revokes a token: it opens nothing any more, at no node.
    #[command(after_help = "Examples:\n  weir token revoke tok_0123456789abcdef\n  \
                            weir token revoke tok_0123456789abcdef --yes --reason leaked")]
    Revoke {
        /// Which one.
        id: TokenId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Create { account, scopes, channel, label, expires } => {
            let expires_at = expires.at(session.view.now);
            let body = CreateToken { account, label, scopes, channel, expires_at };
            let made = session.client.create_token(&body, &session.mutation()).await?;
            let text = session.view.one(&made, || made_sheet(&made, &session.view));
            session.print(&text)?;
            if !session.dry_run() {
                session.say(
                    "the token is shown this once; put it into a file that WEIR_TOKEN_FILE names",
                );
            }
            Ok(())
        }
        Verb::List { account, filter } => {
            let tokens = session.client.tokens(&TokenQuery { account }).await?;
            let tokens = filter::fitting(filter.as_ref(), tokens, session.view.now);
            let text = session.view.list(&tokens, || table(&tokens, &session.view));
            session.print(&text)
        }
        Verb::Revoke { id } => {
            session.confirm(&format!("Revoke {id}? Whoever holds it is refused.")).await?;
            let token = session.client.revoke_token(id, &session.mutation()).await?;
            let text = session.view.one(&token, || Sheet(sheet(&token, &session.view)));
            session.print(&text)
        }
    }
}

fn scopes(token: &Token) -> String {
    let words = token.scopes.join(",");
    match &token.channel {
        Some(channel) => format!("{words} on {channel}"),
        None => words,
    }
}

fn table(tokens: &[Token], view: &View) -> Table {
    let header = vec!["ID", "ACCOUNT", "KIND", "SCOPES", "LABEL", "CREATED", "EXPIRES"];
    let rows = tokens.iter().map(|token| {
        vec![
            token.id.to_string(),
            token.account_name.to_string(),
            token.kind.as_str().into(),
            scopes(token),
            token.label.clone(),
            view.ago(token.created_at),
            view.ago(token.expires_at),
        ]
    });
    Table { header, rows: rows.collect() }
}

fn sheet(token: &Token, view: &View) -> Vec<(&'static str, String)> {
    vec![
        ("id", token.id.to_string()),
        ("account", token.account_name.to_string()),
        ("kind", token.kind.as_str().into()),
        ("scopes", scopes(token)),
        ("label", token.label.clone()),
        ("expires", view.ago(token.expires_at)),
    ]
}

fn made_sheet(made: &CreatedToken, view: &View) -> Sheet {
    let secret = if made.token.is_empty() { "(dry run)" } else { &made.token };
    let mut rows = vec![("token", secret.to_owned())];
    rows.extend(sheet(&made.info, view));
    Sheet(rows)
}
