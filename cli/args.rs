//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::output::Format;
use crate::{
    account, actor, approval, audit, auth, channel, cluster, event, key, ledger, member, node, pay,
    payout, price, private, provider, stream, ticket, token, topics, viewing, wallet,
};

/// Operates a Weir node.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  weir status\n  weir channel create demo && weir key create demo\n  \
                  weir event follow --kind 'stream.*'\n\n`weir help topics` lists exit codes and JSON fields, and explains formats and filters."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// How to print what there is.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "table|json|jsonl"
    )]
    pub(crate) output: Format,
    /// The node's API, e.g. http://127.0.0.1:7070; the local node's when absent.
    #[arg(long, global = true, env = "WEIR_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The file that holds the token; the local node's when absent.
    #[arg(
        long,
        global = true,
        env = "WEIR_TOKEN_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// Check fully, change nothing, print what would be.
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Why; kept in the event of a change.
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Seconds to wait for an answer.
    #[arg(long, global = true, default_value = "20", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) timeout: Duration,
    /// Do not ask before a change that cannot be undone.
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

/// The nouns, and what stands alone.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The node's condition.
    #[command(after_help = "Examples:\n  weir status\n  weir status -o json")]
    Status,
    /// What is live: list, show, explain, kick.
    #[command(subcommand, after_help = stream::EXAMPLES)]
    Stream(stream::Verb),
    /// Streamers' permanent places: create, list, show, delete.
    #[command(subcommand, after_help = channel::EXAMPLES)]
    Channel(channel::Verb),
    /// Stream keys of a channel: create, list, rotate, revoke.
    #[command(subcommand, after_help = key::EXAMPLES)]
    Key(key::Verb),
    /// Who watches: list, kick.
    #[command(subcommand, after_help = viewing::EXAMPLES)]
    Viewing(viewing::Verb),
    /// People and programs that sign in: create, list, show, role, password, disable, enable, log-out.
    #[command(subcommand, after_help = account::EXAMPLES)]
    Account(account::Verb),
    /// What accounts are known by: create, list, revoke.
    #[command(subcommand, after_help = token::EXAMPLES)]
    Token(token::Verb),
    /// Who may do what: can-i, me.
    #[command(subcommand, after_help = auth::EXAMPLES)]
    Auth(auth::Verb),
    /// Private sessions that viewers pay for by the time: list, show, start, join, leave, end.
    #[command(subcommand, after_help = private::EXAMPLES)]
    Session(private::Verb),
    /// Who may watch a channel, and what it costs: set, show.
    #[command(subcommand, after_help = price::EXAMPLES)]
    Price(price::Verb),
    /// Members of channels: join, gift, list, lapse.
    #[command(subcommand, after_help = member::EXAMPLES)]
    Member(member::Verb),
    /// Events that a ticket opens a channel for: open, buy, end, list.
    #[command(subcommand, after_help = ticket::EXAMPLES)]
    Ticket(ticket::Verb),
    /// What people have: show, statement, credit, top-up, freeze, unfreeze.
    #[command(subcommand, after_help = wallet::EXAMPLES)]
    Wallet(wallet::Verb),
    /// Tips the owner of a channel.
    #[command(after_help = pay::TIP_EXAMPLES)]
    Tip(pay::Tip),
    /// Gives back of a payment.
    #[command(after_help = pay::REFUND_EXAMPLES)]
    Refund(pay::Refund),
    /// What streamers are paid: list, request, paid, fail.
    #[command(subcommand, after_help = payout::EXAMPLES)]
    Payout(payout::Verb),
    /// What takes two people: list, confirm, reject.
    #[command(subcommand, after_help = approval::EXAMPLES)]
    Approval(approval::Verb),
    /// Payment providers and what they say: list, show, dismiss.
    #[command(subcommand, after_help = provider::EXAMPLES)]
    Provider(provider::Verb),
    /// The record of all money: show, tail, explain, verify, trial-balance, export.
    #[command(subcommand, after_help = ledger::EXAMPLES)]
    Ledger(ledger::Verb),
    /// What staff did: list.
    #[command(subcommand, after_help = audit::EXAMPLES)]
    Audit(audit::Verb),
    /// What happened and what happens: list, follow.
    #[command(subcommand, after_help = event::EXAMPLES)]
    Event(event::Verb),
    /// Nodes of the cluster: list, show, cordon, uncordon, drain, promote, demote, remove, fence, invite, invites,
    /// uninvite.
    #[command(subcommand, after_help = node::EXAMPLES)]
    Node(node::Verb),
    /// The cluster as a whole: status, check, doctor, rebalance, links, replicas.
    #[command(subcommand, after_help = cluster::EXAMPLES)]
    Cluster(cluster::Verb),
    /// What exists once in the cluster, and where: list, move, explain.
    #[command(subcommand, after_help = actor::EXAMPLES)]
    Actor(actor::Verb),
    /// Versions of this program and of the node.
    #[command(after_help = "Examples:\n  weir version\n  weir version -o json")]
    Version,
    /// Prints a completion script for a shell.
    #[command(after_help = "Examples:\n  weir completion bash > /etc/bash_completion.d/weir\n  \
                            weir completion zsh > ~/.zfunc/_weir")]
    Completion {
        /// For which shell.
        shell: Shell,
    },
    /// Formats, JSON fields, exit codes, filters, event kinds and the environment.
    #[command(after_help = topics::page())]
    Topics,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a number of seconds above 0");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}
