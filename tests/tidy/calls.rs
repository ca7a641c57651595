//! What may be called or named only in its own home, with what to use instead.

use super::source::{Source, Token, tokens_of};
use super::{Findings, all_rust_files_obey};

/// A call or name with the only places that may use it.
struct Banned {
    /// As written in Rust.
    what: &'static str,
    /// Paths, or beginnings of paths, that may.
    homes: &'static [&'static str],
    /// What everybody else does.
    instead: &'static str,
}

/// Clocks: time is an argument everywhere else, so that decisions can be tested and repeated.
/// The programs that are not the node have one place each.
const CLOCK: &[&str] =
    &["src/actors/clock.rs", "cli/clock.rs", "tui/clock.rs", "src/raft/tests/", "tests/"];
/// The tests of the API's clients run a server beside them, those of consensus a whole cluster.
const TASKS: &[&str] =
    &["src/actors/tasks.rs", "src/client/tests.rs", "src/raft/tests.rs", "cli/tests.rs", "tests/"];
const MAINS: &[&str] =
    &["src/main.rs", "cli/main.rs", "tui/main.rs", "src/edge/watch/build.rs", "tests/"];
/// Simulations are told their seeds, also the one that stands beside its code.
const SEEDED: &[&str] = &[
    "src/main.rs",
    "cli/main.rs",
    "tui/main.rs",
    "src/edge/watch/build.rs",
    "src/raft/tests/sim.rs",
    "tests/",
];
const SLED: &[&str] = &["src/store/sled.rs", "src/store/sled/", "src/store/mod.rs"];
/// In the rest of `store`, `sled` is the module of that name.
const STORE: &[&str] = &["src/store/"];
const RTMP: &[&str] = &["src/ingest/rtmp/"];

const BANNED: &[Banned] = &[
    Banned {
        what: "Instant::now",
        homes: CLOCK,
        instead: "take the time as an argument, or actors::clock",
    },
    Banned {
        what: "SystemTime::now",
        homes: CLOCK,
        instead: "take the time as an argument, or actors::clock",
    },
    Banned { what: "UNIX_EPOCH", homes: CLOCK, instead: "weir_model::Timestamp" },
    Banned {
        what: "tokio::spawn",
        homes: TASKS,
        instead: "actors::tasks, so that the operator sees the loop",
    },
    Banned {
        what: "task::spawn",
        homes: TASKS,
        instead: "actors::tasks, so that the operator sees the loop",
    },
    Banned {
        what: "thread::sleep",
        homes: &["tests/bench/"],
        instead: "wait for what you wait for, with a limit",
    },
    Banned {
        what: "env::var",
        homes: SEEDED,
        instead: "the environment is read once, in main or by clap",
    },
    Banned {
        what: "env::vars",
        homes: MAINS,
        instead: "the environment is read once, in main or by clap",
    },
    Banned {
        what: "env::var_os",
        homes: MAINS,
        instead: "the environment is read once, in main or by clap",
    },
    Banned { what: "todo!", homes: &[], instead: "do it, or leave the path out" },
    Banned { what: "unimplemented!", homes: &[], instead: "do it, or leave the path out" },
    Banned { what: "dbg!", homes: &[], instead: "tracing" },
    Banned { what: "process::exit", homes: MAINS, instead: "return an error to main" },
    Banned { what: "sled::", homes: STORE, instead: "the store; one file names the database" },
    Banned { what: "use sled::", homes: SLED, instead: "super::sled; one file names the database" },
    Banned { what: "sled::open", homes: SLED, instead: "super::sled; one file names the database" },
    Banned {
        what: "rml_rtmp::",
        homes: RTMP,
        instead: "ingest/rtmp; one folder names the library",
    },
    Banned {
        what: "rml_amf0::",
        homes: RTMP,
        instead: "ingest/rtmp; one folder names the library",
    },
    Banned {
        what: "quinn::",
        homes: &["src/link/"],
        instead: "link; one folder names the library",
    },
    Banned {
        what: "openraft::",
        homes: &["src/raft/"],
        instead: "raft; one folder names the library",
    },
    Banned {
        what: "rcgen::",
        homes: &["src/link/"],
        instead: "link; one folder makes certificates",
    },
    Banned {
        what: "retina::",
        homes: &["src/ingest/rtsp/"],
        instead: "ingest/rtsp; one folder names the library",
    },
    Banned {
        what: "ffmpeg_next::",
        homes: &["src/transcode/"],
        instead: "transcode; one crate links C codecs",
    },
];

fn nothing_banned_is_called(file: &Source) -> Findings {
    let tokens = file.tokens();
    let at_home = |one: &Banned| one.homes.iter().any(|home| file.path.starts_with(home));
    let findings = |one: &Banned| {
        let lines = lines_with(&tokens, &tokens_of(one.what));
        let say = |line| format!("{}:{line}: `{}` — instead: {}", file.path, one.what, one.instead);
        lines.into_iter().map(say).collect::<Vec<_>>()
    };
    BANNED.iter().filter(|one| !at_home(one)).flat_map(findings).collect()
}

/// Where a sequence of tokens stands.
fn lines_with(tokens: &[Token], wanted: &[Token]) -> Vec<usize> {
    let same = |window: &[Token]| window.iter().zip(wanted).all(|(a, b)| a.text == b.text);
    let found = tokens.windows(wanted.len()).filter(|window| same(window));
    found.map(|window| window[0].line).collect()
}

#[test]
fn nothing_banned_is_called_anywhere() {
    all_rust_files_obey(nothing_banned_is_called);
}

#[test]
fn every_banned_call_is_found_outside_its_home_and_allowed_inside() {
    for one in BANNED {
        let tail = if one.what.ends_with("::") { "go()" } else { "()" };
        let text = format!("fn f() {{\n    let x = std::{}{tail};\n}}", one.what);
        let text = text.replace("std::sled", "sled").replace("std::use", "use");
        // A longer name may hold a shorter one, so only findings of this very name are counted.
        let named = format!("`{}`", one.what);
        let find = |path: &str| {
            let all = nothing_banned_is_called(&Source::new(path, &text));
            all.into_iter().filter(|finding| finding.contains(&named)).collect::<Findings>()
        };
        let found = find("src/edge/hls/mod.rs");
        assert_eq!(found.len(), 1, "{}: {found:?}", one.what);
        assert!(found[0].starts_with("src/edge/hls/mod.rs:2:"), "{}", found[0]);
        for home in one.homes {
            assert_eq!(find(home), Findings::new(), "{home}");
        }
    }
}

#[test]
fn a_call_inside_a_macro_is_found_and_one_inside_a_string_is_not() {
    let inside = Source::new("src/a.rs", "fn f() { assert!(x < Instant::now()); }");
    assert_eq!(nothing_banned_is_called(&inside).len(), 1);
    let quoted = Source::new("src/a.rs", "/// `Instant::now`\nfn f() { g(\"todo!()\") }");
    assert_eq!(nothing_banned_is_called(&quoted), Findings::new());
}
