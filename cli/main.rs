//! `weir`: the world around a command, then the command, then the exit code.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use weir_cli::{Exit, Surroundings, clock, machine, password, run};
use weir_model::local::Homes;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("weir: the system gives no threads or sockets: {error}");
            return Exit::Failed.into();
        }
    };
    let mut around = surroundings();
    let exit = runtime.block_on(async {
        tokio::select! {
            exit = run(std::env::args_os().collect(), &mut around) => exit,
            _ = tokio::signal::ctrl_c() => Exit::Cancelled,
        }
    });
    // Whoever was interrupted while he typed a password wants to see what he types next.
    password::show();
    // A prompt may still wait for a line that nobody will type.
    runtime.shutdown_background();
    exit.into()
}

/// 128 bits that nobody can guess.
fn random() -> std::io::Result<u128> {
    let half = || getrandom::u64().map(u128::from).map_err(std::io::Error::other);
    Ok((half()? << 64) | half()?)
}

/// The only place that looks around.
fn surroundings() -> Surroundings {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let token = path("WEIR_TOKEN").map(OsString::into_string).and_then(Result::ok);
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    Surroundings {
        token,
        homes: Homes {
            home: path("HOME").map(PathBuf::from),
            data_home: path("XDG_DATA_HOME").map(PathBuf::from),
            state_home: path("XDG_STATE_HOME").map(PathBuf::from),
        },
        now: clock::now,
        machine: machine::look,
        password: password::read,
        random,
        terminal: std::io::stdout().is_terminal(),
        asks,
        out: Box::new(std::io::stdout()),
        err: Box::new(std::io::stderr()),
    }
}
