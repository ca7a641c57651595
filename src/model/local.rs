//! How programs of one user on one machine find each other's node without being told.
//!
//! A node that listens writes a small file, [`LocalNode`] as JSON with mode 0600, to [`node_file`] of its
//! user, and removes it when it stops cleanly (if the file still holds its own `pid`). The CLI and the
//! console read it when no endpoint was given. It lies below the user's state directory and not in
//! `$XDG_RUNTIME_DIR`, because that one exists in a login session but not under `cron`, `sudo` or in a
//! container, and both sides must compute the same path. It holds no secret, only the path of one.
//! With several nodes of one user the last one started is found; the others need an endpoint.

use std::path::{Path, PathBuf};

/// The variables of the environment that say where a user's files lie. Passed in, never read here.
#[derive(Debug, Clone, Default)]
pub struct Homes {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
}

/// What a running node tells programs of its own user.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LocalNode {
    /// Base URL of its API, e.g. `http://127.0.0.1:7070`.
    pub api: String,
    /// Its data directory, absolute.
    pub data: PathBuf,
    /// Its process id.
    pub pid: u32,
    /// The file that holds the operator token, absolute.
    pub token_file: PathBuf,
}

/// Name of the operator token's file in the data directory.
pub const OPERATOR_TOKEN_FILE: &str = "operator.token";

impl LocalNode {
    /// The file's text.
    #[must_use]
    pub fn new(api: impl Into<String>, data: &Path, pid: u32) -> Self {
        let token_file = data.join(OPERATOR_TOKEN_FILE);
        Self { api: api.into(), data: data.to_owned(), pid, token_file }
    }
}

/// Where a node leaves its [`LocalNode`]; none when the environment names no home (a service without one).
#[must_use]
pub fn node_file(homes: &Homes) -> Option<PathBuf> {
    below(homes.state_home.as_deref(), homes.home.as_deref(), ".local/state")
        .map(|state| state.join("weir/node.json"))
}

/// The data directory when nobody names one.
#[must_use]
pub fn default_data_dir(homes: &Homes) -> Option<PathBuf> {
    below(homes.data_home.as_deref(), homes.home.as_deref(), ".local/share")
        .map(|data| data.join("weir"))
}

/// The XDG base directory specification: a relative path in a variable counts as unset.
fn below(set: Option<&Path>, home: Option<&Path>, default: &str) -> Option<PathBuf> {
    match set.filter(|path| path.is_absolute()) {
        Some(path) => Some(path.to_owned()),
        None => home.filter(|home| home.is_absolute()).map(|home| home.join(default)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_below_the_xdg_directory_else_below_home() {
        let home = Homes { home: Some("/home/a".into()), ..Homes::default() };
        assert_eq!(node_file(&home), Some("/home/a/.local/state/weir/node.json".into()));
        assert_eq!(default_data_dir(&home), Some("/home/a/.local/share/weir".into()));
        let set = Homes { state_home: Some("/s".into()), data_home: Some("/d".into()), ..home };
        assert_eq!(node_file(&set), Some("/s/weir/node.json".into()));
        assert_eq!(default_data_dir(&set), Some("/d/weir".into()));
    }

    #[test]
    fn relative_and_missing_homes_name_nothing() {
        let relative = Homes { state_home: Some("s".into()), ..Homes::default() };
        assert_eq!(node_file(&relative), None);
        assert_eq!(default_data_dir(&Homes::default()), None);
    }
}
