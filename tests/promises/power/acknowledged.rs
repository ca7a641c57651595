//! What somebody was told, in the calls of the node that told it, and whether it was on the disk before.

use std::collections::HashMap;
use std::path::Path;

use serde_json::value::RawValue;
use weir::store::ledger::command;
use weir_ledger::batch;

use super::medium::{Medium, Write};
use crate::harness::strace::Call;

/// Names of channels that are made for this.
pub(super) const CHANNEL: &str = "power-";
const CHANNEL_LEN: usize = CHANNEL.len() + 4;

/// What was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Money that moved, by the id that it was asked for with.
    Money(u128),
    Channel(String),
}

/// An answer on its way to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) what: What,
    /// The record, when it was about money.
    pub(super) seq: u64,
    /// Where the node began to send it.
    pub(super) line: usize,
}

/// All acknowledgements among `calls`.
pub(super) fn told(calls: &[Call]) -> Vec<Told> {
    let answers = calls.iter().filter(|call| {
        let (_, to) = call.descriptor();
        let sends = ["write", "writev", "sendto", "sendmsg"].contains(&call.name.as_str());
        sends && (to.starts_with("socket:") || to.starts_with("TCP"))
    });
    answers.filter_map(|call| told_by(&call.bytes(), call.begin)).collect()
}

fn told_by(bytes: &[u8], line: usize) -> Option<Told> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 20").then_some(())?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    if let Some(seq) = body["seq"].as_u64().filter(|_| body["replayed"] == false) {
        let id = u128::from_str_radix(body["id"].as_str()?, 16).ok()?;
        return Some(Told { what: What::Money(id), seq, line });
    }
    let name = body["name"].as_str().filter(|name| name.starts_with(CHANNEL))?;
    Some(Told { what: What::Channel(name.into()), seq: 0, line })
}

/// Of everything that was `told`, what was sent before it was on the disk: one sentence each. It is on the disk when
/// a sync of the segment of the log that it was written to was begun after the write and had ended before the answer.
pub(super) fn unsafe_among(told: &[Told], medium: &Medium) -> Vec<String> {
    let writes = medium.writes(is_log);
    let mut written = HashMap::<What, Vec<&Write<'_>>>::new();
    for write in &writes {
        for what in carried(write.bytes) {
            written.entry(what).or_default().push(write);
        }
    }
    let fault = |told: &Told| {
        let Some(writes) = written.get(&told.what) else {
            return Some(format!("{told:?} was never written to the log"));
        };
        let is_safe = writes
            .iter()
            .any(|write| write.end.is_some_and(|end| write.file.is_synced_between(end, told.line)));
        let begins: Vec<usize> = writes.iter().map(|write| write.begin).collect();
        (!is_safe)
            .then(|| format!("{told:?} was told without a sync behind its write, lines {begins:?}"))
    };
    told.iter().filter_map(fault).collect()
}

fn is_log(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("raft/log"))
}

/// What a write to the log brings about: batches of the ledger stand there as strings in base64, channels by name.
fn carried(bytes: &[u8]) -> Vec<What> {
    let quoted =
        bytes.split(|byte| *byte == b'"').filter_map(|piece| std::str::from_utf8(piece).ok());
    let mut all = Vec::new();
    for text in quoted {
        if text.len() == CHANNEL_LEN && text.starts_with(CHANNEL) {
            all.push(What::Channel(text.into()));
        }
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        if text.len() < 20 || !text.bytes().all(is_base64) {
            continue;
        }
        let text = RawValue::from_string(format!("\"{text}\"")).unwrap();
        let requests = command::of_text(&text).and_then(|bytes| batch::read(&bytes).ok());
        all.extend(requests.unwrap_or_default().iter().map(|request| What::Money(request.id)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::strace;
    use weir_ledger::workload::Workload;

    const ID: u128 = 0xabc;

    /// A trace of one payment: `%` is the folder, `$` its entry in the log.
    const SOUND: [&str; 9] = [
        r#"1 mkdir("%/raft", 0700) = 0"#,
        r#"1 mkdir("%/raft/log", 0700) = 0"#,
        r#"1 openat(AT_FDCWD</>, "%/raft/log/spare", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 5<%/raft/log/spare>"#,
        r#"1 openat(AT_FDCWD</>, "%/other", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 6<%/other>"#,
        r#"1 pwrite64(5<%/raft/log/spare>, "WLF1\0{\"command\":\"$\"}", 400, 0) = 400"#,
        r#"2 fdatasync(5<%/raft/log/spare>) = 0"#,
        r#"3 writev(9<socket:[7]>, [{iov_base="HTTP/1.1 200 OK\r\nx: y\r\n\r\n", iov_len=1}, {iov_base="{\"id\":\"00000000000000000000000000000abc\",\"seq\":7,\"replayed\":false}", iov_len=1}], 2) = 2"#,
        r#"2 fsync(6<%/other>) = 0"#,
        r#"2 fdatasync(5<%/raft/log/spare>) = 0"#,
    ];

    fn faults(lines: &[&str]) -> (Vec<Told>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut request = Workload::new(1).next_request().0;
        request.id = ID;
        let entry = command::to_text(&batch::write(&[request]).unwrap()).unwrap();
        let text = lines.join("\n") + "\n";
        let text = text.replace('%', dir.path().to_str().unwrap());
        let text = text.replace('$', entry.get().trim_matches('"'));
        let calls = strace::calls(&text, 10);
        let mut medium = Medium::of(dir.path());
        medium.follow(&calls);
        let told = told(&calls);
        let faults = unsafe_among(&told, &medium);
        (told, faults)
    }

    #[test]
    fn a_sync_between_write_and_answer_is_found() {
        let (told, faults) = faults(&SOUND);
        assert_eq!(told, [Told { what: What::Money(ID), seq: 7, line: 16 }]);
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn an_answer_without_a_sync_of_the_log_behind_the_write_is_told_of() {
        let with = |at: usize, line: &'static str| {
            let mut lines = SOUND;
            lines[at] = line;
            faults(&lines).1
        };
        let mut too_early = SOUND;
        too_early.swap(4, 5);
        let mut too_late = SOUND;
        too_late.swap(5, 6);
        let cut =
            [&SOUND[..5], &[r#"2 fdatasync(5<%/raft/log/spare> <unfinished ...>"#], &SOUND[6..7]]
                .concat();
        for faults in [
            with(5, r#"2 fdatasync(6<%/other>) = 0"#),
            with(5, r#"2 fdatasync(5<%/raft/log/spare>) = -1 EIO (Input/output error)"#),
            with(5, r#"2 sync_file_range(5<%/raft/log/spare>, 0, 400, SYNC_FILE_RANGE_WRITE) = 0"#),
            faults(&too_early).1,
            faults(&too_late).1,
            faults(&cut).1,
        ] {
            assert!(faults.len() == 1 && faults[0].contains("without a sync"), "{faults:?}");
        }
        let never = with(4, r#"1 pwrite64(6<%/other>, "{\"command\":\"$\"}", 400, 0) = 400"#);
        assert!(never.len() == 1 && never[0].contains("never written"), "{never:?}");
        // Begun before the write had ended, it may have missed it.
        let mut beside = SOUND.to_vec();
        beside[4] = r#"1 pwrite64(5<%/raft/log/spare>, "WLF1\0{\"command\":\"$\"}", 400, 0 <unfinished ...>"#;
        beside[5] = r#"2 fdatasync(5<%/raft/log/spare> <unfinished ...>"#;
        beside.insert(6, "1 <... pwrite64 resumed>) = 400");
        beside.insert(7, "2 <... fdatasync resumed>) = 0");
        let (_, faults) = faults(&beside);
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
