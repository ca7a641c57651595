//! The command line as a script uses it: arguments in, output and exit code out.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::Node;

/// Runs `weir` against a node.
pub(crate) struct Cli {
    endpoint: String,
    token_file: PathBuf,
}

/// What a run answered.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Cli {
    pub(crate) fn new(node: &Node) -> Self {
        Self { endpoint: node.api_url(), token_file: node.token_file() }
    }

    /// The same with a token of its own.
    pub(crate) fn token_file(self, token_file: PathBuf) -> Self {
        Self { token_file, ..self }
    }

    /// The same against another address.
    pub(crate) fn endpoint(self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.into(), ..self }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_program("weir", arguments)
    }

    /// Runs the console to its end, which it has by itself with `--once`.
    pub(crate) fn console(&self, arguments: &[&str]) -> Ran {
        self.run_program("weir-tui", arguments)
    }

    fn run_program(&self, name: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(program(name));
        command.args(arguments).env_clear();
        command.env("WEIR_ENDPOINT", &self.endpoint).env("WEIR_TOKEN_FILE", &self.token_file);
        Ran::from(command.output().unwrap())
    }

    /// Runs it, insists on success and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let ran = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ran.code, 0, "weir {arguments:?}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A program of another package of the workspace; cargo puts it beside the node.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_weir-node")).with_file_name(name);
    assert!(path.exists(), "{name} is not built; run: cargo build --workspace --bins");
    path
}
