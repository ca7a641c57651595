//! What a process and its children cost, from `/proc`.

use std::time::Instant;

/// The kernel counts processor time in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process tree that is measured from now on.
pub(crate) struct Meter {
    id: u32,
    start: Instant,
    cpu: f64,
    own_cpu: f64,
}

/// What it cost.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost {
    /// Wall-clock seconds.
    pub(crate) seconds: f64,
    /// Processor seconds of the server.
    pub(crate) cpu: f64,
    /// Processor seconds of this process, the generator.
    pub(crate) generator_cpu: f64,
    /// Resident memory of the server now, MiB.
    pub(crate) rss_mib: f64,
}

impl std::ops::AddAssign for Cost {
    /// What came one after the other; the memory is that of the later.
    fn add_assign(&mut self, more: Self) {
        self.seconds += more.seconds;
        self.cpu += more.cpu;
        self.generator_cpu += more.generator_cpu;
        self.rss_mib = more.rss_mib;
    }
}

impl Meter {
    pub(crate) fn start(id: u32) -> Self {
        let own = std::process::id();
        Self { id, start: Instant::now(), cpu: cpu_seconds(id), own_cpu: cpu_of(own) }
    }

    pub(crate) fn read(&self) -> Cost {
        Cost {
            seconds: self.start.elapsed().as_secs_f64(),
            cpu: cpu_seconds(self.id) - self.cpu,
            generator_cpu: cpu_of(std::process::id()) - self.own_cpu,
            rss_mib: tree(self.id).into_iter().map(rss_mib).sum(),
        }
    }
}

fn cpu_seconds(id: u32) -> f64 {
    tree(id).into_iter().map(cpu_of).sum()
}

/// A process and its direct children: nginx works in those.
fn tree(id: u32) -> Vec<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    std::iter::once(id)
        .chain(children.split_whitespace().filter_map(|one| one.parse().ok()))
        .collect()
}

fn cpu_of(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name stands in parentheses and may hold anything; what is counted comes after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks =
        |at: usize| fields.get(at).and_then(|one| one.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn rss_mib(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
