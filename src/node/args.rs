//! The command line of `weir-node`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use weir_model::local::{Homes, default_data_dir};

use super::config::{Config, ConfigError};

/// Runs one node of a Weir cluster in the foreground. Ctrl-C stops it.
#[derive(Debug, Parser)]
#[command(name = "weir-node", version, after_help = EXAMPLES)]
pub struct Args {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Configuration; without it the node runs on the defaults of `cluster.toml`.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Where the node keeps its database, identity and operator token.
    /// [default: $XDG_DATA_HOME/weir, else ~/.local/share/weir]
    #[arg(long, value_name = "DIR", env = "WEIR_DATA")]
    data: Option<PathBuf>,
    /// Ports N to N+7 instead of the configured ones: RTMP, RTMPS, RTSP, HTTP, HTTPS, API,
    /// node-to-node, metrics. For several nodes on one machine.
    #[arg(long, value_name = "N")]
    port_base: Option<u16>,
    #[arg(long, hide = true, env = "HOME")]
    home: Option<PathBuf>,
    #[arg(long, hide = true, env = "XDG_DATA_HOME")]
    data_home: Option<PathBuf>,
    #[arg(long, hide = true, env = "XDG_STATE_HOME")]
    state_home: Option<PathBuf>,
}

/// Sub-commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a data directory while no node uses it; exit code 1 when something is wrong.
    Check {
        /// The data directory; the default one when absent.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

const EXAMPLES: &str = "Examples:
  weir-node                                   run on defaults
  weir-node --data ./two --port-base 18000    a second node on the same machine
  weir-node --config /etc/weir/cluster.toml   run on a configuration
  weir-node check --data ./two                verify a stopped node's data";

impl Args {
    /// The configuration: the file or the defaults, with `--port-base` applied.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config =
            self.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
        if let Some(base) = self.port_base {
            config.set_port_base(base)?;
        }
        Ok(config)
    }

    /// Where this user's files lie.
    #[must_use]
    pub fn homes(&self) -> Homes {
        Homes {
            home: self.home.clone(),
            data_home: self.data_home.clone(),
            state_home: self.state_home.clone(),
        }
    }

    /// The data directory.
    ///
    /// # Errors
    /// When neither an argument nor the environment names one.
    pub fn data_dir(&self) -> Result<PathBuf, String> {
        let chosen = self.data.clone().or_else(|| default_data_dir(&self.homes()));
        chosen.ok_or_else(|| "no data directory: set --data DIR or HOME".into())
    }
}
