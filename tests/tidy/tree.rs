//! The tree itself: what may lie at the top, what no file may hold, and how scripts and pages begin.

use super::source::{Source, sources};
use super::{Findings, all_files_obey};

/// Everything that may lie at the top. A newcomer reads this list first, so it grows rarely.
const TOP: [&str; 21] = [
    ".ci",
    ".gitattributes",
    ".gitignore",
    ".npmrc",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build.rs",
    "cli",
    "clippy.toml",
    "cluster.toml",
    "deny.toml",
    "grafana",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scripts",
    "src",
    "tests",
    "tui",
];

/// Everything that may lie in `src/`: the nouns, the verbs, and the two files that tie them together.
const SRC: [&str; 22] = [
    "actors",
    "api",
    "chat",
    "client",
    "cluster",
    "edge",
    "feed",
    "ingest",
    "ledger",
    "lib.rs",
    "link",
    "main.rs",
    "media",
    "model",
    "node",
    "notify",
    "people",
    "raft",
    "provider",
    "session",
    "store",
    "transcode",
];

/// Folders of one person's or one machine's disk. Written in pieces, because this file is checked too.
const PLACES: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

fn files_lie_where_they_may(file: &Source) -> Findings {
    let mut parts = file.path.split('/');
    let (top, below) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let known = TOP.contains(&top) && (top != "src" || SRC.contains(&below));
    let finding = format!("{}: the layout has no such place; see tests/tidy/tree.rs", file.path);
    if known { Findings::new() } else { vec![finding] }
}

fn no_path_leaves_the_clone(file: &Source) -> Findings {
    // One letter after the place is an example of anybody's, as in a test; a name is somebody's.
    let named = |(at, place): (usize, &str), line: &str| {
        line[at + place.len()..].bytes().take_while(u8::is_ascii_alphanumeric).count() > 1
    };
    let has = |line: &str| {
        let all = PLACES.iter().flat_map(|place| line.match_indices(place));
        all.into_iter().any(|found| named(found, line))
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| has(line));
    let say = |(at, _)| format!("{}:{}: a path that exists on one machine only", file.path, at + 1);
    lines.map(say).collect()
}

fn a_page_has_one_title(file: &Source) -> Findings {
    if !file.path.ends_with(".md") {
        return Findings::new();
    }
    let (mut fenced, mut titles) = (false, 0);
    for line in file.text.lines() {
        fenced ^= line.starts_with("```");
        titles += usize::from(!fenced && line.starts_with("# "));
    }
    if titles == 1 {
        Findings::new()
    } else {
        vec![format!("{}: {titles} titles, one is right", file.path)]
    }
}

fn lock_files_name_no_host(file: &Source) -> Findings {
    let lock = file.path.ends_with("package-lock.json");
    let named = lock && file.text.contains("\"resolved\"");
    let finding =
        format!("{}: names a registry's host; `npm install` again below .npmrc", file.path);
    if named { vec![finding] } else { Findings::new() }
}

fn scripts_stop_at_the_first_error(file: &Source) -> Findings {
    let strict = file.text.lines().any(|line| line == "set -euo pipefail");
    let bash = file.text.starts_with("#!/usr/bin/env bash");
    let finding = format!("{}: a bash script begins with `set -euo pipefail`", file.path);
    if bash && !strict { vec![finding] } else { Findings::new() }
}

#[test]
fn every_file_lies_where_it_may() {
    all_files_obey(files_lie_where_they_may);
}

#[test]
fn no_file_names_a_place_outside_the_clone() {
    all_files_obey(no_path_leaves_the_clone);
}

#[test]
fn every_page_has_one_title() {
    all_files_obey(a_page_has_one_title);
}

#[test]
fn no_lock_file_names_a_host() {
    all_files_obey(lock_files_name_no_host);
}

#[test]
fn every_script_stops_at_the_first_error() {
    all_files_obey(scripts_stop_at_the_first_error);
    assert!(sources().iter().any(|one| one.path == "scripts/up"), "the scripts were not read");
}

#[test]
fn a_stray_file_is_found() {
    let check = |path: &str| files_lie_where_they_may(&Source::new(path, "")).len();
    assert_eq!(check("notes.txt"), 1);
    assert_eq!(check("src/utils/mod.rs"), 1);
    assert_eq!(check("src/edge/hls/mod.rs") + check("README.md"), 0);
}

#[test]
fn a_path_of_one_machine_is_found() {
    for place in PLACES {
        let file = Source::new("scripts/up", &format!("fine\ncd {place}somebody"));
        assert!(no_path_leaves_the_clone(&file)[0].starts_with("scripts/up:2:"));
    }
}

#[test]
fn a_page_with_no_title_or_two_is_found() {
    let check = |text: &str| a_page_has_one_title(&Source::new("a.md", text)).len();
    assert_eq!(check("words"), 1);
    assert_eq!(check("# one\n# two"), 1);
    assert_eq!(check("# one\n```\n# a comment\n```\n## below"), 0);
}

#[test]
fn a_lock_file_with_a_host_is_found() {
    let check =
        |path: &str| lock_files_name_no_host(&Source::new(path, "{\"resolved\": \"x\"}")).len();
    assert_eq!(check("tests/browser/package-lock.json"), 1);
    assert_eq!(check("tests/browser/package.json"), 0);
}

#[test]
fn a_careless_script_is_found() {
    let check = |text: &str| scripts_stop_at_the_first_error(&Source::new("scripts/x", text)).len();
    assert_eq!(check("#!/usr/bin/env bash\nrm x"), 1);
    assert_eq!(check("#!/usr/bin/env bash\nset -euo pipefail\nrm x"), 0);
}
