//! Finding the node and the token without being told more than needed.
//!
//! | wanted | first | then |
//! |---|---|---|
//! | endpoint | what the caller gives (`--endpoint`, `WEIR_ENDPOINT`) | the local node's file, [`weir_model::local`] |
//! | token | the token itself (`WEIR_TOKEN`) | its file (`--token-file`, `WEIR_TOKEN_FILE`), then the local node's |
//!
//! The local node's token only ever goes to the local node.

use std::io;
use std::path::{Path, PathBuf};

use weir_model::local::{Homes, LocalNode, node_file};

/// What the caller knows, from its arguments and its environment.
#[derive(Default)]
pub struct Wanted {
    /// Base URL of the API.
    pub endpoint: Option<String>,
    /// The token itself.
    pub token: Option<String>,
    /// A file that holds the token.
    pub token_file: Option<PathBuf>,
    /// Where the user's files lie.
    pub homes: Homes,
}

/// What to make a [`crate::Client`] of.
pub struct Found {
    /// Base URL of the API.
    pub endpoint: String,
    /// The token; none when nobody named one. The node then says where it is.
    pub token: Option<String>,
}

/// Why there is nothing to talk to.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No endpoint was given and no node of this user runs here.
    #[error("no node of this user runs on this machine")]
    NoNode,
    /// A file cannot be used.
    #[error("{} cannot be used: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

impl DiscoverError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoNode => {
                "start one with ./scripts/up, or name its API with --endpoint or WEIR_ENDPOINT"
            }
            Self::File { .. } => {
                "name the node with --endpoint and the token's file with --token-file"
            }
        }
    }
}

/// Finds endpoint and token.
///
/// # Errors
/// When no endpoint was given and no local node is found, or a named file cannot be read.
pub fn discover(wanted: &Wanted) -> Result<Found, DiscoverError> {
    let local = local_node(&wanted.homes);
    let endpoint = match (&wanted.endpoint, &local) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Ok(Some(node))) => node.api.clone(),
        (None, Ok(None)) => return Err(DiscoverError::NoNode),
        (None, Err(_)) => {
            local?;
            return Err(DiscoverError::NoNode);
        }
    };
    let token = match (&wanted.token, &wanted.token_file) {
        (Some(token), _) => Some(token.trim().to_owned()),
        (None, Some(file)) => Some(read_token(file)?),
        (None, None) => match local {
            Ok(Some(node)) if same_place(&node.api, &endpoint) => {
                // A node that joined a cluster has none; the answer says where it is.
                let is_there = node.token_file.try_exists().unwrap_or(true);
                is_there.then(|| read_token(&node.token_file)).transpose()?
            }
            _ => None,
        },
    };
    Ok(Found { endpoint, token })
}

/// The node of this user on this machine, when it is the one at `endpoint`.
#[must_use]
pub fn local(homes: &Homes, endpoint: &str) -> Option<LocalNode> {
    local_node(homes).ok().flatten().filter(|node| same_place(&node.api, endpoint))
}

fn same_place(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn local_node(homes: &Homes) -> Result<Option<LocalNode>, DiscoverError> {
    let Some(path) = node_file(homes) else { return Ok(None) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&path, error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| unusable(&path, error))
}

fn read_token(path: &Path) -> Result<String, DiscoverError> {
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, error))?;
    match text.trim() {
        "" => Err(unusable(path, "it is empty")),
        token => Ok(token.to_owned()),
    }
}

fn unusable(path: &Path, cause: impl ToString) -> DiscoverError {
    DiscoverError::File { path: path.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home with a local node's file and its token.
    fn home() -> (tempfile::TempDir, Homes) {
        let dir = tempfile::tempdir().unwrap();
        let homes = Homes { home: Some(dir.path().to_owned()), ..Homes::default() };
        let node = LocalNode::new("http://127.0.0.1:7070", &dir.path().join("data"), 1);
        let file = node_file(&homes).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, serde_json::to_string(&node).unwrap()).unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        std::fs::write(&node.token_file, "local-token\n").unwrap();
        (dir, homes)
    }

    fn found(wanted: &Wanted) -> (String, Option<String>) {
        let found = discover(wanted).unwrap();
        (found.endpoint, found.token)
    }

    #[test]
    fn the_local_node_and_its_token_are_found() {
        let (_dir, homes) = home();
        let token = Some("local-token".to_owned());
        let here = "http://127.0.0.1:7070".to_owned();
        assert_eq!(found(&Wanted { homes, ..Wanted::default() }), (here, token));
    }

    #[test]
    fn a_node_that_joined_a_cluster_has_no_token_and_is_asked_without_one() {
        let (dir, homes) = home();
        std::fs::remove_file(dir.path().join("data/operator.token")).unwrap();
        let here = "http://127.0.0.1:7070".to_owned();
        assert_eq!(found(&Wanted { homes, ..Wanted::default() }), (here, None));
    }

    #[test]
    fn the_local_node_is_known_by_its_address() {
        let (dir, homes) = home();
        let here = local(&homes, "http://127.0.0.1:7070/").map(|node| node.data);
        assert_eq!(here, Some(dir.path().join("data")));
        assert_eq!(local(&homes, "http://127.0.0.1:7071"), None);
    }

    #[test]
    fn the_local_token_never_goes_to_another_endpoint() {
        let (_dir, homes) = home();
        for (endpoint, token) in [
            ("http://127.0.0.1:7070/", Some("local-token".to_owned())),
            ("http://127.0.0.1:7071", None),
            ("http://example.net:7070", None),
        ] {
            let endpoint = Some(endpoint.to_owned());
            let wanted = Wanted { endpoint, homes: homes.clone(), ..Wanted::default() };
            assert_eq!(found(&wanted).1, token);
        }
    }

    #[test]
    fn a_given_token_wins_over_a_file_and_a_file_over_the_local_node() {
        let (dir, homes) = home();
        let file = dir.path().join("token");
        std::fs::write(&file, " file-token \n").unwrap();
        let mut wanted = Wanted { token_file: Some(file), homes, ..Wanted::default() };
        assert_eq!(found(&wanted).1.as_deref(), Some("file-token"));
        wanted.token = Some("given-token".into());
        assert_eq!(found(&wanted).1.as_deref(), Some("given-token"));
    }

    #[test]
    fn what_is_missing_or_broken_is_named() {
        assert!(matches!(discover(&Wanted::default()), Err(DiscoverError::NoNode)));
        let (dir, homes) = home();
        std::fs::write(node_file(&homes).unwrap(), "{").unwrap();
        let mut wanted = Wanted { homes, ..Wanted::default() };
        let error = discover(&wanted).err().unwrap().to_string();
        assert!(error.contains("node.json cannot be used"), "{error}");
        wanted.endpoint = Some("http://127.0.0.1:1".into());
        assert!(discover(&wanted).is_ok(), "a broken file does not matter to who needs none");
        wanted.token_file = Some(dir.path().join("nowhere"));
        assert!(matches!(discover(&wanted), Err(DiscoverError::File { .. })));
    }
}
