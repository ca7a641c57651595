//! A child process as a guard: its output is kept, it is killed when dropped, and its words are shown when a test fails.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Lines kept of each process; the newest matter.
const LINES_KEPT: usize = 2000;
/// Lines shown when a test fails.
const LINES_SHOWN: usize = 60;

/// A running program.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts it with its output captured.
    pub(crate) fn start(name: impl Into<String>, command: &mut Command) -> Self {
        let name = name.into();
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {name}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().unwrap(), Arc::clone(&lines));
        collect(child.stderr.take().unwrap(), Arc::clone(&lines));
        Self { name, child, lines }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it said so far.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Everything it said, of one that has ended: its last words may be on their way.
    pub(crate) async fn whole_log(&self) -> String {
        super::eventually("its last words", Duration::from_secs(5), async || {
            (!self.log().is_empty()).then(|| self.log())
        })
        .await
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends a signal by name (`TERM`, `INT`, `STOP`, `CONT`).
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let done = Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(done.success(), "kill -s {signal} {}", self.name);
    }

    /// Ends it without a chance to clean up.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(start.elapsed() < limit, "{} did not end within {limit:?}", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let lines = self.lines.lock().unwrap();
            let first = lines.len().saturating_sub(LINES_SHOWN);
            eprintln!("--- {}, last words:\n{}", self.name, lines[first..].join("\n"));
        }
    }
}

fn collect(output: impl Read + Send + 'static, lines: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut lines = lines.lock().unwrap();
            if lines.len() == LINES_KEPT {
                lines.remove(0);
            }
            lines.push(line);
        }
    });
}
