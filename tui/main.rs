//! `weir-tui`: arguments, then the console, then the exit code.

use std::process::ExitCode;

use clap::Parser;

use weir_tui::options::Options;

fn main() -> ExitCode {
    let read =
        |name: &str| std::env::var_os(name).unwrap_or_default().to_string_lossy().into_owned();
    let options = Options::parse().with_environment(read).with_ids_from(random());
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("weir-tui: cannot start: {error}");
                return ExitCode::FAILURE;
            }
        };
    match runtime.block_on(weir_tui::run::run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("weir-tui: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// 128 bits that nobody can guess; none when the system gives none.
fn random() -> Option<u128> {
    let half = || getrandom::u64().ok().map(u128::from);
    Some((half()? << 64) | half()?)
}
