//! The command line of `weir-node`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use weir_model::Roles;
use weir_model::local::{Homes, default_data_dir};

use super::Errands;
use super::config::{Config, ConfigError};
use super::joining::Joining;
use crate::link::invite::Token;

/// Runs one node of a Weir cluster in the foreground. Ctrl-C stops it.
#[derive(Debug, Parser)]
#[command(name = "weir-node", version, after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("invitation").args(["token", "token_file"]))]
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
    /// Joins the cluster of the node whose link is at HOST:PORT, with an invitation. Once joined, the node finds back by
    /// itself; it needs this again, without an invitation, when every node it knows has another address.
    #[arg(long, value_name = "HOST:PORT", env = "WEIR_JOIN")]
    join: Option<String>,
    /// The invitation that `weir node invite` printed. Better in a file or the environment: arguments can be
    /// read by every user of the machine.
    #[arg(long, value_name = "TOKEN", env = "WEIR_JOIN_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// A file that holds the invitation.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What the node is there for: ingest, edge, voter, transcode, with commas between them.
    /// [default: `node.roles` of the configuration, else all]
    #[arg(long, value_name = "ROLES")]
    roles: Option<Roles>,
    /// Replaces the operator token, when its file is lost or in wrong hands: the new one is in `operator.token` of
    /// this node's data directory, the old one is refused at every node. Only at a voter; waits up to two minutes for
    /// a quorum. Leave it out at the next start, which would make yet another one, and keep a copy of the file elsewhere.
    #[arg(long)]
    new_operator_token: bool,
    /// How the node calls itself.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
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
  weir-node --data ./two --port-base 18000 --join 10.0.0.5:7071 --token-file ./invitation
                                              a further node of a cluster
  weir-node --data ./two --new-operator-token
                                              a voter whose cluster lost its operator token
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
        if let Some(roles) = self.roles.filter(|roles| !roles.is_empty()) {
            config.node.roles = roles.iter().collect();
        }
        if let Some(name) = &self.name {
            config.node.name = Some(name.clone());
        }
        Ok(config)
    }

    /// What this start is to do once, beside running the node.
    ///
    /// # Errors
    /// When the invitation's file cannot be read or holds none.
    pub fn errands(&self) -> Result<Errands, String> {
        let (joining, new_operator_token) = (self.joining()?, self.new_operator_token);
        Ok(Errands { joining, new_operator_token })
    }

    /// The cluster to join, if there is one.
    fn joining(&self) -> Result<Option<Joining>, String> {
        let Some(at) = self.join.clone() else { return Ok(None) };
        if self.token.is_some() {
            return Ok(Some(Joining { at, token: self.token }));
        }
        let Some(path) = &self.token_file else { return Ok(Some(Joining { at, token: None })) };
        let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let token = text.parse().map_err(|error| wrong(&error))?;
        Ok(Some(Joining { at, token: Some(token) }))
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
