//! A process is killed while it writes; everything it acknowledged is there afterwards.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::*;

/// Its presence tells the child that this test started it, and where to write.
const MARKER: &str = "killed-by-its-parent";
/// Bound of the child, should nobody kill it.
const CHANNELS: usize = 5_000;

#[test]
fn everything_acknowledged_survives_kill_9() {
    let mut lost = Vec::new();
    for round in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(MARKER), "").unwrap();
        let acked = write_until_killed(dir.path(), 20 + 7 * round);
        assert!(acked.len() >= 20 && acked.len() < CHANNELS, "{}", acked.len());
        let store = open(&dir.path().join("data"));
        for line in acked {
            let (channel, secret) = line.split_once(' ').unwrap();
            match store.authenticate(secret, Timestamp(9)) {
                Ok(key) if key.channel == name(channel) => {}
                _ => lost.push(line),
            }
        }
        drop(store);
        let report = check::check(&dir.path().join("data")).unwrap();
        assert_eq!(report.exit_code(), 0, "{report}");
    }
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// Answers with every line the child acknowledged, also those between our decision and its death.
fn write_until_killed(dir: &Path, lines_before: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::kill::child", "--ignored", "--nocapture"])
        .current_dir(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while text.matches("acked ").count() < lines_before {
        assert!(output.read_line(&mut text).unwrap() > 0, "the child ended early:\n{text}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    output.read_to_string(&mut text).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| line.strip_prefix("acked ")).map(str::to_owned).collect()
}

/// Not a test: what [`everything_acknowledged_survives_kill_9`] starts and kills.
#[test]
#[ignore = "the parent test starts it as a process of its own"]
fn child() {
    use std::io::Write;

    if !Path::new(MARKER).exists() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = open(Path::new("data"));
    // libtest begins this line with the name of the test.
    println!();
    for n in 0..CHANNELS {
        let channel = name(&format!("c{n}"));
        let made = runtime.block_on(async {
            store.create_channel(channel.clone(), String::new(), Timestamp(0)).await?;
            store.create_key(&channel, String::new(), None, Timestamp(0)).await
        });
        let mut out = std::io::stdout().lock();
        writeln!(out, "acked {channel} {}", made.unwrap().1).unwrap();
        out.flush().unwrap();
    }
}
