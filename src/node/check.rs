//! `weir-node check`: verifies a data directory while no node uses it.

use std::path::Path;
use std::process::ExitCode;

use weir_model::local::{Homes, default_data_dir};

use crate::store::check;

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
            ExitCode::from(report.exit_code())
        }
        Err(error) => {
            eprintln!("weir-node: {error}");
            ExitCode::FAILURE
        }
    }
}
