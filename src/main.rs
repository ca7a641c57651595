//! `weir-node`: arguments → `cluster.toml` → [`Node::start`] → signal.

use std::process::ExitCode;

use clap::Parser;
use weir::node::args::{Args, Command};
use weir::node::{self, Node};

/// Parts and messages are made on one thread and freed on another, which the system's allocator answers
/// with fragmentation and locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Some(Command::Check { data }) => return node::check::run(data.as_deref(), &args.homes()),
        None => tokio::runtime::Runtime::new()
            .map_err(|error| format!("cannot start the runtime: {error}"))
            .and_then(|runtime| runtime.block_on(run(&args))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-node: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), String> {
    let config = args.config().map_err(|error| error.to_string())?;
    node::logs::start(&config.log)?;
    let node = Node::start(config, args.errands()?, args.data_dir()?, &args.homes()).await?;
    node.print_ready();
    node::signal::wait().await;
    node.stop().await;
    Ok(())
}
