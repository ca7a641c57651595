//! The layer table: who may know whom. A verb names another by `crate::NAME`; a crate names another in its `Cargo.toml`.

use super::source::{Source, Token, sources};
use super::{Findings, all_rust_files_obey};

/// The verbs, modules of the root package, with their layer. Verbs of one layer do not know each other.
const VERBS: [(&str, u8); 10] = [
    ("feed", 2),
    ("store", 2),
    ("link", 2),
    ("raft", 2),
    ("actors", 3),
    ("ingest", 4),
    ("edge", 4),
    ("api", 4),
    ("notify", 4),
    ("node", 5),
];

/// The crates by folder, with the crates of ours that each may depend on.
const CRATES: [(&str, &[&str]); 13] = [
    (
        "",
        &[
            "weir-model",
            "weir-media",
            "weir-ledger",
            "weir-provider",
            "weir-people",
            "weir-session",
            "weir-chat",
            "weir-cluster",
        ],
    ),
    ("src/model", &[]),
    ("src/media", &["weir-model"]),
    ("src/ledger", &["weir-model"]),
    ("src/provider", &["weir-model", "weir-ledger"]),
    ("src/people", &["weir-model"]),
    ("src/session", &["weir-model", "weir-ledger"]),
    ("src/chat", &["weir-model"]),
    ("src/cluster", &["weir-model"]),
    ("src/client", &["weir-model"]),
    ("src/transcode", &["weir-model", "weir-media"]),
    ("cli", &["weir-model", "weir-client"]),
    ("tui", &["weir-model", "weir-client"]),
];

/// Nouns that decide and never touch the world.
const PURE: [&str; 8] = [
    "src/model",
    "src/media",
    "src/ledger",
    "src/provider",
    "src/people",
    "src/session",
    "src/chat",
    "src/cluster",
];

/// Libraries that touch the world.
const WORLDLY_CRATES: [&str; 11] = [
    "tokio",
    "reqwest",
    "hyper",
    "axum",
    "getrandom",
    "rand",
    "sled",
    "ractor",
    "mio",
    "socket2",
    "tempfile",
];

/// Names of the standard library that touch the world.
const WORLDLY_NAMES: [&str; 10] = [
    "Instant",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "fs",
    "env",
    "thread",
    "process",
    "RandomState",
];

fn verbs_point_down(file: &Source) -> Findings {
    let Some((own, layer)) = verb_of(&file.path) else { return Findings::new() };
    let say = |name: &str, line: usize| {
        let path = &file.path;
        format!(
            "{path}:{line}: `{own}` (L{layer}) may not know `crate::{name}`; layers point down only"
        )
    };
    let upward = |(name, _): &(String, usize)| {
        let other = VERBS.iter().find(|(verb, _)| verb == name);
        *name != own && other.is_some_and(|(_, theirs)| *theirs >= layer)
    };
    crate_paths(&file.tokens())
        .into_iter()
        .filter(upward)
        .map(|(name, line)| say(&name, line))
        .collect()
}

/// The verb a file belongs to.
fn verb_of(path: &str) -> Option<(String, u8)> {
    let name = path.strip_prefix("src/")?.split(['/', '.']).next()?;
    VERBS.iter().find(|(verb, _)| *verb == name).map(|(verb, layer)| ((*verb).to_owned(), *layer))
}

/// First names after `crate::`, also inside `use crate::{a::b, c}`, with their lines.
fn crate_paths(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, window) in tokens.windows(4).enumerate() {
        if window[0].text != "crate" || window[1].text != ":" || window[2].text != ":" {
            continue;
        }
        if window[3].text == "{" {
            found.extend(first_names(&tokens[at + 4..]));
        } else {
            found.push((window[3].text.clone(), window[3].line));
        }
    }
    found
}

/// The first name of each item of an open `{…}` group.
fn first_names(tokens: &[Token]) -> Vec<(String, usize)> {
    let (mut depth, mut first, mut names) = (0, true, Vec::new());
    for token in tokens {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "," if depth == 0 => first = true,
            name if first => {
                names.push((name.to_owned(), token.line));
                first = false;
            }
            _ => {}
        }
    }
    names
}

fn nouns_do_not_touch_the_world(file: &Source) -> Findings {
    let pure = PURE.iter().any(|folder| file.path.starts_with(&format!("{folder}/")));
    if !pure {
        return Findings::new();
    }
    let tokens = file.tokens();
    let worldly = tokens.windows(4).filter(|window| {
        let path = |name: &str, next: &str| name == "std" && WORLDLY_NAMES.contains(&next);
        path(&window[0].text, &window[3].text)
            || (window[0].text == "Instant" && window[3].text == "now")
    });
    let say = |window: &[Token]| {
        let (path, line, name) = (&file.path, window[3].line, &window[3].text);
        format!("{path}:{line}: a noun may not use `{name}`; time and the world are arguments")
    };
    worldly.map(say).collect()
}

fn crates_point_down(manifest: &Source) -> Findings {
    let Some(folder) = manifest.path.strip_suffix("Cargo.toml") else { return Findings::new() };
    let folder = folder.trim_end_matches('/');
    let path = &manifest.path;
    let Some((_, allowed)) = CRATES.iter().find(|(crate_folder, _)| *crate_folder == folder) else {
        return vec![format!(
            "{path}: a crate that the layer table in tests/tidy/layers.rs does not know"
        )];
    };
    let table: toml::Table = manifest.text.parse().expect("a manifest is TOML");
    let named = |section: &str| -> Vec<String> {
        let section = table.get(section).and_then(toml::Value::as_table);
        section.map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    let dependencies = named("dependencies").into_iter().chain(named("build-dependencies"));
    let pure = PURE.contains(&folder);
    let wrong = |name: &String| {
        let ours = name.starts_with("weir-") && !allowed.contains(&name.as_str());
        ours || (pure && WORLDLY_CRATES.contains(&name.as_str()))
    };
    dependencies.filter(wrong).map(|name| format!("{path}: may not depend on `{name}`")).collect()
}

#[test]
fn no_verb_knows_one_beside_or_above_it() {
    all_rust_files_obey(verbs_point_down);
}

#[test]
fn no_noun_touches_the_world() {
    all_rust_files_obey(nouns_do_not_touch_the_world);
}

#[test]
fn no_crate_depends_on_one_beside_or_above_it() {
    let manifests = sources().iter().filter(|one| one.path.ends_with("Cargo.toml"));
    let findings: Findings = manifests.flat_map(crates_point_down).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn an_upward_or_sideways_path_is_found() {
    let check = |path: &str, text: &str| verbs_point_down(&Source::new(path, text)).len();
    assert_eq!(check("src/store/window.rs", "use crate::actors::clock;"), 1);
    assert_eq!(
        check("src/edge/mod.rs", "use crate::{\n    actors::tasks,\n    api::{self, x},\n};"),
        1
    );
    assert_eq!(check("src/edge.rs", "fn f() { crate::ingest::go() }"), 1);
    assert_eq!(check("src/feed/mod.rs", "use crate::store::Store;"), 1);
    assert_eq!(check("src/edge/mod.rs", "use crate::{actors, store};\nuse crate::edge::hls;"), 0);
}

#[test]
fn a_noun_with_a_clock_or_a_socket_is_found() {
    let check =
        |path: &str, text: &str| nouns_do_not_touch_the_world(&Source::new(path, text)).len();
    assert_eq!(check("src/media/a.rs", "use std::fs;\nfn f() { std::env::args() }"), 2);
    assert_eq!(check("src/model/a.rs", "fn f() { Instant::now() }"), 1);
    assert_eq!(check("src/media/a.rs", "use std::sync::Arc;"), 0);
    assert_eq!(check("src/store/a.rs", "use std::fs;"), 0);
}

#[test]
fn a_crate_that_depends_sideways_or_on_the_world_is_found() {
    let check = |path: &str, deps: &str| {
        crates_point_down(&Source::new(path, &format!("[dependencies]\n{deps}\n"))).len()
    };
    assert_eq!(check("src/media/Cargo.toml", "weir-client.workspace = true"), 1);
    assert_eq!(check("src/media/Cargo.toml", "tokio = \"1\""), 1);
    assert_eq!(check("tui/Cargo.toml", "weir = { path = \"..\" }\nweir-media = \"1\""), 1);
    assert_eq!(check("src/unknown/Cargo.toml", ""), 1);
    assert_eq!(check("src/media/Cargo.toml", "weir-model = \"1\"\nbytes = \"1\""), 0);
}
