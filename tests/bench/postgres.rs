//! The rival of the ledger: Debian's PostgreSQL on the same disk, loaded by its own pgbench over a socket of the system.
//!
//! A transfer there is one prepared statement, one round trip and one durable transaction: two balances updated, two
//! rows of a journal inserted, nothing checked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::process::Process;
use crate::report::percentile;

/// Who pays and who is paid, as in our own load.
pub(crate) const PAYERS: u64 = 10_000;
pub(crate) const CREATORS: u64 = 1_000;

/// Who owns its files: it refuses to run as root.
const USER: &str = "nobody";

/// A running PostgreSQL.
pub(crate) struct Postgres {
    process: Process,
    bin: PathBuf,
    dir: TempDir,
}

/// What pgbench measured.
pub(crate) struct Measured {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Postgres {
    /// Starts it, or says why there is no rival.
    pub(crate) fn start() -> Result<Self, String> {
        let bin = newest_bin().ok_or("postgresql is not installed")?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let data = dir.path().join("data");
        run(Command::new("chown").arg(USER).arg(dir.path()))?;
        let initdb = bin.join("initdb");
        run(as_user(&initdb).args(["--auth=trust", "--username=weir", "-D"]).arg(&data))?;
        let mut command = as_user(&bin.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(dir.path());
        for setting in [
            "listen_addresses=",
            "max_connections=1100",
            "synchronous_commit=on",
            "fsync=on",
            "shared_buffers=512MB",
            "max_wal_size=16GB",
        ] {
            command.args(["-c", setting]);
        }
        let process = Process::start("postgres", &mut command);
        let this = Self { process, bin, dir };
        this.wait_until_it_listens()?;
        this.make_accounts()?;
        Ok(this)
    }

    fn wait_until_it_listens(&self) -> Result<(), String> {
        let begin = Instant::now();
        while run(Command::new(self.bin.join("pg_isready")).arg("-h").arg(self.dir.path())).is_err()
        {
            if begin.elapsed() > Duration::from_secs(20) {
                return Err(format!("postgres does not start: {}", self.process.log()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn make_accounts(&self) -> Result<(), String> {
        let last = PAYERS + CREATORS;
        let sql = format!(
            "CREATE TABLE account (id bigint PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL);
             CREATE TABLE journal (seq bigserial PRIMARY KEY, account bigint NOT NULL, amount bigint NOT NULL);
             INSERT INTO account SELECT id, 0, 0 FROM generate_series(1, {last}) AS id; VACUUM ANALYZE;"
        );
        for statement in sql.split_inclusive(';').filter(|one| !one.trim().is_empty()) {
            let mut psql = Command::new(self.bin.join("psql"));
            run(self.reach(&mut psql).args(["-q", "-v", "ON_ERROR_STOP=1", "-c", statement]))?;
        }
        Ok(())
    }

    fn reach<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("-h").arg(self.dir.path()).args(["-U", "weir", "-d", "postgres"])
    }

    /// Transfers with that many in flight.
    pub(crate) fn measure(&self, in_flight: usize, seconds: u64) -> Result<Measured, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let script = folder.path().join("transfer.sql");
        let (first, last) = (PAYERS + 1, PAYERS + CREATORS);
        let text = format!(
            "\\set payer random(1, {PAYERS})\n\\set creator random({first}, {last})\n\\set units random(1, 100)\n\\set off -:units\n\
             WITH debit AS (UPDATE account SET debits = debits + :units WHERE id = :payer), \
             credit AS (UPDATE account SET credits = credits + :units WHERE id = :creator) \
             INSERT INTO journal (account, amount) VALUES (:payer, :off), (:creator, :units);\n"
        );
        std::fs::write(&script, text).map_err(|error| error.to_string())?;
        let mut pgbench = Command::new(self.bin.join("pgbench"));
        let threads = in_flight.min(2).to_string();
        self.reach(&mut pgbench).args(["-n", "-M", "prepared", "-l", "-j", &threads]);
        pgbench.args(["-c", &in_flight.to_string(), "-T", &seconds.to_string(), "-f"]).arg(&script);
        let said = run(pgbench.current_dir(folder.path()))?;
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        let rate = rate.ok_or_else(|| format!("pgbench says no rate: {said}"))?;
        let mut took = times(folder.path())?;
        let (p50_ms, p99_ms) = (percentile(&mut took, 50.0), percentile(&mut took, 99.0));
        Ok(Measured { rate, p50_ms, p99_ms })
    }
}

/// The milliseconds of each transaction, from pgbench's logs.
fn times(folder: &Path) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.to_string_lossy().contains("pgbench_log") {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let us = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
            all.extend(us.map(|us| us / 1e3));
        }
    }
    Ok(all)
}

/// Where Debian puts the programs of its newest PostgreSQL.
fn newest_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    bins.filter(|bin| bin.join("postgres").exists() && bin.join("pgbench").exists()).max()
}

fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", "nogroup", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match ran.status.success() {
        true => Ok(text(&ran.stdout)),
        false => Err(format!("{command:?}: {}{}", text(&ran.stdout), text(&ran.stderr))),
    }
}
