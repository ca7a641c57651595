//! `weir cluster doctor`: what keeps a node on this machine from working well. Pure; every check says what it found,
//! also when that is good.

use weir_model::cluster::{CheckReport, ClusterFinding, ClusterStatus};
use weir_model::human::bytes;
use weir_model::stream::HealthLevel;

use crate::machine::{Disk, Machine};

/// What a link asks for, each way: a burst of key frames of many streams waits there while the node is busy.
const UDP_BUFFER: u64 = 4 << 20;

/// Less room than this is filled by the log and the recordings of a few minutes.
const DISK_BAD: u64 = 256 << 20;

/// Less room than this wants a look before the day is over.
const DISK_WARNING: u64 = 2 << 30;

/// Clocks this far apart make times misleading, and expiries wrong when ten times as far.
const SKEW_WARNING_MS: u64 = 500;

/// How the node answered.
pub(crate) struct Asked {
    /// The address of its API.
    pub(crate) endpoint: String,
    /// The version of the node's program, or why it did not answer.
    pub(crate) version: Result<String, String>,
    /// What it says of the cluster, or why it does not.
    pub(crate) cluster: Result<ClusterStatus, String>,
    /// Its clock minus this machine's, milliseconds, as exactly as the answer's time allows.
    pub(crate) skew_ms: Option<i64>,
}

/// The report.
pub(crate) fn report(machine: &Machine, asked: &Asked) -> CheckReport {
    let mut all = vec![api(asked)];
    all.extend(version(asked));
    all.extend(clock(asked));
    all.extend(buffer("receive", "rmem_max", machine.receive_max));
    all.extend(buffer("send", "wmem_max", machine.send_max));
    all.extend(machine.disk.map(disk));
    all.extend(cluster(asked));
    CheckReport::of(all)
}

fn finding(
    code: &str,
    level: HealthLevel,
    text: String,
    advice: impl Into<String>,
) -> ClusterFinding {
    ClusterFinding { code: code.into(), level, node: None, text, advice: advice.into() }
}

fn api(asked: &Asked) -> ClusterFinding {
    match &asked.version {
        Ok(version) => {
            let text = format!("{} answers; it runs {version}.", asked.endpoint);
            finding("api", HealthLevel::Ok, text, "")
        }
        Err(why) => {
            let advice = "Is the node running? Name its API with --endpoint or WEIR_ENDPOINT.";
            finding("api", HealthLevel::Bad, format!("{why}."), advice)
        }
    }
}

fn version(asked: &Asked) -> Option<ClusterFinding> {
    let mine = env!("CARGO_PKG_VERSION");
    let theirs = asked.version.as_ref().ok().filter(|theirs| *theirs != mine)?;
    let text = format!("This program is {mine}, the node is {theirs}.");
    Some(finding("version", HealthLevel::Warning, text, "Use the program that came with the node."))
}

fn clock(asked: &Asked) -> Option<ClusterFinding> {
    let skew = asked.skew_ms?;
    let (by, word) = (skew.unsigned_abs(), if skew > 0 { "ahead of" } else { "behind" });
    let level = match by {
        by if by >= 10 * SKEW_WARNING_MS => HealthLevel::Bad,
        by if by >= SKEW_WARNING_MS => HealthLevel::Warning,
        _ => {
            let text = "The node's clock agrees with this machine's.".to_owned();
            return Some(finding("clock", HealthLevel::Ok, text, ""));
        }
    };
    let text = format!("The node's clock is {by} ms {word} this machine's.");
    Some(finding("clock", level, text, "Run a time service (chrony) on both."))
}

fn buffer(way: &str, name: &str, limit: Option<u64>) -> Option<ClusterFinding> {
    let limit = limit?;
    let code = format!("udp_{way}");
    let text = format!(
        "A UDP {way} buffer here may have {}; a link asks for {}.",
        bytes(limit),
        bytes(UDP_BUFFER)
    );
    Some(if limit >= UDP_BUFFER {
        finding(&code, HealthLevel::Ok, text, "")
    } else {
        let set = format!("sysctl -w net.core.{name}={UDP_BUFFER}, and the same in /etc/sysctl.d.");
        finding(&code, HealthLevel::Warning, text, set)
    })
}

fn disk(disk: Disk) -> ClusterFinding {
    let text = format!(
        "{} of {} are free where the node keeps its data.",
        bytes(disk.free),
        bytes(disk.total)
    );
    match disk.free {
        free if free < DISK_BAD => finding("disk", HealthLevel::Bad, text, "Make room now."),
        free if free < DISK_WARNING => {
            finding("disk", HealthLevel::Warning, text, "Make room, or move the data.")
        }
        _ => finding("disk", HealthLevel::Ok, text, ""),
    }
}

fn cluster(asked: &Asked) -> Vec<ClusterFinding> {
    match (&asked.cluster, &asked.version) {
        (Ok(status), _) => status.warnings.clone(),
        // One finding says that nobody is there.
        (Err(_), Err(_)) => Vec::new(),
        (Err(why), Ok(_)) => {
            let advice = "Give the operator's token with --token-file or WEIR_TOKEN.";
            vec![finding("cluster", HealthLevel::Bad, format!("{why}."), advice)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Asked {
        Asked {
            endpoint: "http://127.0.0.1:7070".into(),
            version: Err("nobody is there".into()),
            cluster: Err("nobody is there".into()),
            skew_ms: None,
        }
    }

    fn levels(machine: Machine, asked: &Asked) -> Vec<(String, HealthLevel)> {
        report(&machine, asked).findings.into_iter().map(|one| (one.code, one.level)).collect()
    }

    #[test]
    fn a_node_that_is_away_is_said_once_and_the_machine_is_judged_all_the_same() {
        let full = Some(Disk { total: 1 << 40, free: DISK_BAD - 1 });
        let machine =
            Machine { receive_max: Some(212_992), send_max: Some(UDP_BUFFER), disk: full };
        let (ok, warning, bad) = (HealthLevel::Ok, HealthLevel::Warning, HealthLevel::Bad);
        let found = [("api", bad), ("disk", bad), ("udp_receive", warning), ("udp_send", ok)];
        let found: Vec<_> = found.map(|(code, level)| (code.to_owned(), level)).into();
        assert_eq!(levels(machine, &away()), found);
        assert_eq!(levels(Machine::default(), &away()), [("api".to_owned(), bad)]);
    }

    #[test]
    fn clocks_and_versions_are_compared_with_the_node() {
        for (skew, level) in
            [(499, HealthLevel::Ok), (-500, HealthLevel::Warning), (5000, HealthLevel::Bad)]
        {
            let asked = Asked { version: Ok("0.0.1".into()), skew_ms: Some(skew), ..away() };
            let found = levels(Machine::default(), &asked);
            assert!(found.contains(&("clock".to_owned(), level)), "{skew}: {found:?}");
            assert!(found.contains(&("version".to_owned(), HealthLevel::Warning)), "{found:?}");
        }
    }

    #[test]
    fn a_small_buffer_names_the_setting_that_raises_it() {
        let machine = Machine { receive_max: Some(1), ..Machine::default() };
        let advice = report(&machine, &away()).findings.remove(1).advice;
        assert!(advice.starts_with("sysctl -w net.core.rmem_max=4194304"), "{advice}");
    }
}
