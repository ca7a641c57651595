//! A bad network and a bad disk on demand: rules that a test writes into a file of the node's data directory. Only
//! in builds with the feature `fault`; a released node has none of it.
//!
//! A line is `everywhere`, `to ADDRESS` or `from ADDRESS`, and what goes wrong there: `block`, `delay_ms=50`,
//! `jitter_ms=5`, `loss=0.01`, `reorder=0.02`, `bytes_per_second=200000`; or `disk` and what goes wrong with it:
//! `free=BYTES`, `delay_ms=500` for each sync of the log. The file replaces all rules of before; without it nothing
//! is wrong. Two kinds of lines are read when the node starts: `speaks 2 1` makes it one of a later or earlier release
//! to the others, and `small` makes its files short, so that new ones begin all the time: `log=BYTES`, `snapshot=BATCHES`,
//! `journal=BYTES`, `checkpoint=BYTES`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::disk::Disk;
use crate::actors::tasks::Tasks;
use crate::link::fault::{Faults, Rule};
use crate::raft::log::slow;
use crate::{raft, store};

/// In the data directory.
const FILE: &str = "faults";
/// How often the file is looked at: short against everything that is tested with it.
const LOOK: Duration = Duration::from_millis(50);
/// Where the dice start.
const SEED: u64 = 7;

/// Faults that follow the file from now on.
pub(super) fn watch(data: &Path, disk: &Disk, tasks: &Tasks) -> Faults {
    let faults = Faults::new(SEED);
    let (path, own, disk) = (data.join(FILE), faults.clone(), disk.clone());
    tasks.spawn("faults", |handle| async move {
        let mut known = String::new();
        loop {
            let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
            if text != known {
                let set = apply(&own, &text) + apply_disk(&disk, &text);
                tracing::warn!("faults: {set} rules hold now, {}", text.len());
                known = text;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = handle.stopping() => return,
            }
        }
    });
    faults
}

/// The protocol versions that the file wants this node to speak.
pub(super) fn protocols(data: &Path) -> Option<Vec<u16>> {
    let text = std::fs::read_to_string(data.join(FILE)).ok()?;
    let versions = text.lines().find_map(|line| line.strip_prefix("speaks "))?;
    versions.split_whitespace().map(|version| version.parse().ok()).collect()
}

/// Makes the files short that are opened from now on, when the file wants it.
pub(super) fn shorten(data: &Path) {
    let text = std::fs::read_to_string(data.join(FILE)).unwrap_or_default();
    let Some(words) = text.lines().find_map(|line| line.strip_prefix("small ")) else { return };
    let value = |name: &str| {
        let mut found = words.split_whitespace().filter_map(|word| word.strip_prefix(name));
        found.next().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    raft::small::set(value("log="), value("snapshot="));
    store::ledger::small::set(value("journal="), value("checkpoint="));
}

/// How many lines were understood.
fn apply(faults: &Faults, text: &str) -> usize {
    faults.heal();
    text.lines().filter_map(|line| apply_line(faults, line)).count()
}

/// The same for the disk.
fn apply_disk(disk: &Disk, text: &str) -> usize {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("disk ")).collect();
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.parse().ok());
    disk.pretend(value("free="));
    slow::set(Duration::from_millis(value("delay_ms=").unwrap_or(0)));
    lines.len()
}

fn apply_line(faults: &Faults, line: &str) -> Option<()> {
    let mut words = line.split_whitespace();
    let place = words.next()?;
    if place == "everywhere" {
        faults.everywhere(rule(words)?);
        return Some(());
    }
    let address: SocketAddr = words.next()?.parse().ok()?;
    let rule = rule(words)?;
    match place {
        "to" => faults.to(address, rule),
        "from" => faults.block_from(address, rule.block),
        _ => return None,
    }
    Some(())
}

fn rule<'a>(words: impl Iterator<Item = &'a str>) -> Option<Rule> {
    let mut rule = Rule::default();
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let ms = || value.parse().ok().map(Duration::from_millis);
        match name {
            "block" => rule.block = true,
            "delay_ms" => rule.delay = ms()?,
            "jitter_ms" => rule.jitter = ms()?,
            "loss" => rule.loss = value.parse().ok()?,
            "reorder" => rule.reorder = value.parse().ok()?,
            "bytes_per_second" => rule.bytes_per_second = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_what() {
        let words = |text: &'static str| rule(text.split_whitespace());
        let bad = words("delay_ms=50 loss=0.01 bytes_per_second=9").unwrap();
        assert_eq!((bad.delay, bad.block), (Duration::from_millis(50), false));
        assert_eq!((bad.loss, bad.bytes_per_second), (0.01, Some(9)));
        assert!(words("block").unwrap().block);
        assert_eq!(words("delay_ms=soon"), None);
        let faults = Faults::new(1);
        let text =
            "to 127.0.0.1:1 block\nfrom 127.0.0.1:1 block\neverywhere loss=0.5\nfrom nowhere";
        assert_eq!(apply(&faults, text), 3);
    }
}
