//! The only place where the command line looks at the machine it runs on. Everything is optional: what cannot be
//! learned here is not judged.

use std::path::Path;
use std::process::Command;

/// What was learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// The largest receive buffer that a socket may ask for, bytes (`net.core.rmem_max`).
    pub receive_max: Option<u64>,
    /// The largest send buffer that a socket may ask for, bytes (`net.core.wmem_max`).
    pub send_max: Option<u64>,
    /// The file system of the data directory.
    pub disk: Option<Disk>,
}

/// Room on a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// All of it.
    pub total: u64,
    /// What is left.
    pub free: u64,
}

/// Looks at this machine, and at the file system of `data` when a node keeps its data here.
#[must_use]
pub fn look(data: Option<&Path>) -> Machine {
    Machine {
        receive_max: figure("/proc/sys/net/core/rmem_max"),
        send_max: figure("/proc/sys/net/core/wmem_max"),
        disk: data.and_then(disk),
    }
}

fn figure(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// `df` is asked because the standard library knows no file systems; POSIX fixes what it prints.
fn disk(data: &Path) -> Option<Disk> {
    let said = Command::new("df").arg("-Pk").arg(data).output().ok()?;
    parse_df(&String::from_utf8_lossy(&said.stdout))
}

fn parse_df(text: &str) -> Option<Disk> {
    let line = text.lines().nth(1)?;
    let mut figures = line.split_whitespace().skip(1).map(str::parse::<u64>);
    let (total, _used, free) = (figures.next()?.ok()?, figures.next()?, figures.next()?.ok()?);
    Some(Disk { total: total.checked_mul(1024)?, free: free.checked_mul(1024)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_df_says_is_read_and_nonsense_is_nothing() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/sda1 1000 400 600 40% /\n";
        assert_eq!(parse_df(said), Some(Disk { total: 1_024_000, free: 614_400 }));
        for wrong in ["", "one line", "a\nb c d e", "a\nb 1 2 -"] {
            assert_eq!(parse_df(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_directory_that_is_there_has_a_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let disk = look(Some(dir.path())).disk.unwrap();
        assert!(disk.total >= disk.free);
        assert_eq!(look(None).disk, None);
    }
}
