//! `weir auth`.

use clap::Subcommand;
use weir_model::ChannelName;
use weir_model::api::people::CanI;

use crate::account;
use crate::exit::{Exit, Failure};
use crate::output::Sheet;
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir auth can-i key.create --channel demo\n  weir auth me -o json";

/// What can be asked about rights.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Says whether something is allowed, and which role would do; the exit code is 0 or 4.
    #[command(after_help = "Examples:\n  weir auth can-i cluster.change\n  \
                            weir auth can-i key.create --channel demo --as alice -o json")]
    CanI {
        /// What, as `noun.verb`; an unknown one is answered with all there are.
        action: String,
        /// In this channel; everywhere when absent.
        #[arg(long)]
        channel: Option<ChannelName>,
        /// Somebody else, by name or id.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Says who the token in use is.
    #[command(after_help = "Examples:\n  weir auth me\n  weir auth me -o json")]
    Me,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::CanI { action, channel, account } => {
            let answer = session.client.can_i(&CanI { action, channel, account }).await?;
            let word = if answer.allowed { "yes" } else { "no" };
            let text = session.view.text(&answer, || format!("{word}: {}\n", answer.text));
            session.print(&text)?;
            match answer.allowed {
                true => Ok(()),
                // The answer has said it; the code is the rest.
                false => Err(Failure::new(Exit::Denied, String::new())),
            }
        }
        Verb::Me => {
            let me = session.client.me().await?;
            let text = session.view.one(&me, || {
                let Sheet(mut rows) = account::sheet(&me.account, &session.view);
                let token = me.token.as_ref();
                let shown =
                    token.map_or_else(|| "the operator's".into(), |token| token.id.to_string());
                rows.push(("token", shown));
                if let Some(token) = token {
                    rows.push(("scopes", token.scopes.join(",")));
                    rows.push(("expires", session.view.ago(token.expires_at)));
                }
                Sheet(rows)
            });
            session.print(&text)
        }
    }
}
