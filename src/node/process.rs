//! What the process itself costs, as the kernel counts it.

use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};

/// Resident memory and processor time of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Resident memory, bytes.
    pub rss_bytes: u64,
    /// User and system time since the start, seconds.
    pub cpu_seconds: f64,
}

/// Reads both; no memory where the kernel does not tell.
#[must_use]
pub(super) fn usage() -> Usage {
    let stat = Process::myself().and_then(|process| process.stat());
    let rss_bytes = stat.map_or(0, |stat| stat.rss * procfs::page_size());
    Usage { rss_bytes, cpu_seconds: cpu_seconds() }
}

/// User and system time of this process since its start, seconds: one system call.
pub(super) fn cpu_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_running_process_has_memory() {
        assert!(super::usage().rss_bytes > 100_000);
    }

    #[test]
    fn work_takes_processor_time() {
        let before = super::cpu_seconds();
        let sum = (0..3_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        assert!(super::cpu_seconds() > before, "{sum}");
    }
}
