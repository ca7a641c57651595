//! From the arguments to the exit code.

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::exit::{Exit, Failure};
use crate::output::{Format, json_line};
use crate::session::{Done, Session, Surroundings, print};
use crate::{
    account, actor, approval, audit, auth, channel, cluster, event, key, ledger, member, node, pay,
    payout, price, private, provider, status, stream, ticket, token, topics, viewing, wallet,
};

/// Runs a command. Everything it says is on the streams of `around` when this answers.
pub async fn run(args: Vec<OsString>, around: &mut Surroundings) -> Exit {
    let json = wants_json(&args);
    match Cli::try_parse_from(args) {
        Ok(cli) => {
            let json = cli.global.output != Format::Table;
            let done = command(cli, around).await;
            conclude(done, json, around)
        }
        Err(error) if !error.use_stderr() => {
            let done = print(&mut around.out, &error.render().to_string());
            conclude(done, false, around)
        }
        Err(error) if json => {
            let text = error.render().to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let failure = Failure::new(Exit::Usage, message).hint("try `weir --help`");
            conclude(Err(failure), true, around)
        }
        Err(error) => {
            let _ = write!(around.err, "{}", error.render());
            Exit::Usage
        }
    }
}

/// Whether errors shall be JSON, before the arguments are understood.
fn wants_json(args: &[OsString]) -> bool {
    let text: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let is = |format: &str| matches!(format, "json" | "jsonl");
    text.windows(2).any(|pair| matches!(pair[0], "-o" | "--output") && is(pair[1]))
        || text.iter().any(|one| {
            let value = one.strip_prefix("--output=").or_else(|| one.strip_prefix("-o"));
            value.is_some_and(|value| is(value.trim_start_matches('=')))
        })
}

fn conclude(done: Done, json: bool, around: &mut Surroundings) -> Exit {
    let Err(failure) = done else { return Exit::Ok };
    // A check has said everything on the other stream; its code is the rest.
    if failure.exit != Exit::Ok && !failure.report.message.is_empty() {
        let text = if json { json_line(&failure.report) } else { failure.text() };
        let _ = around.err.write_all(text.as_bytes());
    }
    failure.exit
}

async fn command(cli: Cli, around: &mut Surroundings) -> Done {
    match cli.command {
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "weir", &mut script);
            print(&mut around.out, &String::from_utf8_lossy(&script))
        }
        Command::Topics => print(&mut around.out, &topics::page()),
        Command::Version => status::version(cli.global, around).await,
        Command::Status => status::status(&mut Session::new(cli.global, around)?).await,
        Command::Stream(verb) => stream::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Channel(verb) => channel::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Key(verb) => key::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Viewing(verb) => viewing::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Node(verb) => node::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Cluster(verb) => cluster::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Actor(verb) => actor::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Account(verb) => account::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Token(verb) => token::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Auth(verb) => auth::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Session(verb) => private::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Price(verb) => price::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Member(verb) => member::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Ticket(verb) => ticket::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Wallet(verb) => wallet::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Tip(tip) => pay::tip(&mut Session::new(cli.global, around)?, tip).await,
        Command::Refund(refund) => {
            pay::refund(&mut Session::new(cli.global, around)?, refund).await
        }
        Command::Payout(verb) => payout::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Approval(verb) => {
            approval::run(&mut Session::new(cli.global, around)?, verb).await
        }
        Command::Provider(verb) => {
            provider::run(&mut Session::new(cli.global, around)?, verb).await
        }
        Command::Ledger(verb) => ledger::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Audit(verb) => audit::run(&mut Session::new(cli.global, around)?, verb).await,
        Command::Event(verb) => event::run(&mut Session::new(cli.global, around)?, verb).await,
    }
}
