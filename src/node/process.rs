//! What the process itself costs, as the kernel counts it.

use procfs::process::Process;

/// Resident memory and processor time of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Resident memory, bytes.
    pub rss_bytes: u64,
    /// User and system time since the start, seconds.
    pub cpu_seconds: f64,
}

/// Reads both; zeros where the kernel does not tell.
#[must_use]
pub(super) fn usage() -> Usage {
    let Ok(stat) = Process::myself().and_then(|process| process.stat()) else {
        return Usage::default();
    };
    let ticks = (stat.utime + stat.stime) as f64;
    Usage {
        rss_bytes: stat.rss * procfs::page_size(),
        cpu_seconds: ticks / procfs::ticks_per_second() as f64,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_running_process_has_memory() {
        assert!(super::usage().rss_bytes > 100_000);
    }
}
