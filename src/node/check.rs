//! `weir-node check`: verifies a data directory while no node uses it.

use std::path::Path;
use std::process::ExitCode;

use weir_model::local::{Homes, default_data_dir};

use crate::raft;
use crate::store::{LOG_DIR, check};

/// Prints what does not fit and answers 0 when everything does.
#[must_use]
pub fn run(data: Option<&Path>, homes: &Homes) -> ExitCode {
    let Some(dir) = data.map(Path::to_owned).or_else(|| default_data_dir(homes)) else {
        eprintln!("weir-node: no data directory: set --data DIR or HOME");
        return ExitCode::FAILURE;
    };
    match check::check(&dir) {
        Ok(report) => {
            println!("{report}");
            check_log(&dir.join(LOG_DIR), report.exit_code())
        }
        Err(error) => {
            eprintln!("weir-node: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A node that never ran with a log has none to check.
fn check_log(dir: &Path, code: u8) -> ExitCode {
    if !dir.exists() {
        return ExitCode::from(code);
    }
    match raft::check(dir) {
        Ok(report) => {
            println!("{report}");
            ExitCode::from(code)
        }
        Err(error) => {
            println!("error: {}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}
