//! L1. The command line: a client of the API with no private knowledge.
//!
//! `args` says what can be typed, one file per noun does it and renders it, `output` knows the formats and
//! `exit` the codes. Everything a command touches (arguments, environment, clock, streams) is handed in by `main`, so
//! that tests run commands in the same process. [`command`] is the whole grammar, for completion and for tests that
//! compare it with the console's.

mod account;
mod act;
mod actor;
mod approval;
mod args;
mod audit;
mod auth;
mod channel;
pub mod clock;
mod cluster;
mod doctor;
mod event;
mod exit;
mod filter;
mod key;
mod ledger;
pub mod machine;
mod member;
mod node;
mod output;
pub mod password;
mod pay;
mod payout;
mod price;
mod private;
mod provider;
mod run;
mod session;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod ticket;
mod token;
mod topics;
mod viewing;
mod wallet;

pub use exit::Exit;
pub use run::run;
pub use session::Surroundings;

/// Everything that can be typed.
#[must_use]
pub fn command() -> clap::Command {
    <args::Cli as clap::CommandFactory>::command()
}
