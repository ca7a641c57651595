//! Logs: `tracing` on standard error, text for people, JSON for machines. Never a secret in them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::config::{LogConfig, LogFormat};

/// What is told of each step of consensus is for its own developers, unless the filter names it. Of a node that cannot
/// be reached, for which Weir has an event and figures, it tells ten times a second, in two places. Of its own end the
/// node tells itself.
const QUIET: &str = "openraft=error,openraft::replication=off,openraft::core::raft_core=off";

/// Sends the process's logs to standard error.
///
/// # Errors
/// When the filter is malformed or logs go somewhere already.
pub fn start(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.filter))
        .map_err(|error| format!("log.filter {:?}: {error}", config.filter))?;
    let on_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let outcome = match config.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Auto if !on_terminal => builder.json().flatten_event(true).try_init(),
        LogFormat::Auto | LogFormat::Text => builder.with_ansi(on_terminal).try_init(),
    };
    outcome.map_err(|error| error.to_string())
}
