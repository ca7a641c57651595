//! Hostile bytes by the million: chunks, AMF0, whole sessions and FLV tags, each iteration on one of them.
//!
//! `cargo bench --bench fuzz -- --iterations 10000000 --seed 1` prints what it did and fails when anything
//! panicked. Inputs are valid messages with a few bytes changed, cut, doubled or replaced, so that most of
//! them get past the first check. The same seed gives the same inputs.

mod corpus;
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use bytes::Bytes;
use weir::ingest::rtmp::amf;
use weir::ingest::rtmp::chunk::{ASSEMBLY_BYTES_MAX, Dechunker};
use weir::ingest::rtmp::message::split_aggregate;
use weir::ingest::rtmp::session::{Action, Session};
use weir::ingest::rtmp::wire::Wire;
use weir_media::flv::Demuxer;

use corpus::Corpus;
use random::Random;

/// Iterations when none are asked for: a second or two.
const ITERATIONS_DEFAULT: u64 = 100_000;
/// One iteration in so many does the handshake too; its digests cost more than everything else.
const HANDSHAKE_EVERY: u64 = 512;

/// Where the first few panics happened.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let iterations = argument("--iterations").unwrap_or(ITERATIONS_DEFAULT);
    let seed = argument("--seed").unwrap_or(1);
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut panics) = PANICS.lock()
            && panics.len() < 5
        {
            panics.push(info.to_string());
        }
    }));
    let corpus = Corpus::new();
    let mut random = Random::new(seed);
    let (mut caught, mut held_max) = (0_u64, 0);
    for n in 0..iterations {
        let state = random.clone();
        match catch_unwind(AssertUnwindSafe(|| one(n, &corpus, &mut random))) {
            Ok(held) => held_max = held_max.max(held),
            Err(_) => {
                caught += 1;
                // Goes on with other inputs than those that led here.
                random = state;
                random.next();
            }
        }
    }
    let _ = std::panic::take_hook();
    println!("iterations {iterations} seed {seed}");
    println!("panics caught {caught}");
    println!("most bytes held by one connection {held_max} of {ASSEMBLY_BYTES_MAX}");
    println!("peak RSS {} KiB", peak_rss_kib().unwrap_or_default());
    for panic in PANICS.lock().iter().flat_map(|panics| panics.iter()) {
        println!("panic: {panic}");
    }
    ExitCode::from(u8::from(caught > 0 || held_max > ASSEMBLY_BYTES_MAX))
}

/// One iteration; gives how many bytes the connection held at most.
fn one(n: u64, corpus: &Corpus, random: &mut Random) -> usize {
    if n.is_multiple_of(HANDSHAKE_EVERY) {
        return whole_connection(&corpus.connection(random), random);
    }
    match n % 4 {
        0 => chunks(&corpus.chunks(random), random),
        1 => amf0(&corpus.amf(random)),
        2 => session(&corpus.session(random)),
        _ => flv(corpus, random),
    }
}

/// Bytes through the chunk layer, in pieces.
fn chunks(bytes: &[u8], random: &mut Random) -> usize {
    let mut dechunker = Dechunker::new();
    if random.below(2) == 0 {
        dechunker.allow_media();
    }
    let cut = random.below(bytes.len() + 1);
    let mut held = 0;
    let mut rest: &[u8] = &[];
    for end in [cut, bytes.len()] {
        let begin = rest.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
        let begin = if end == cut { 0 } else { begin.min(cut) };
        rest = &bytes[begin..end];
        while let Ok(Some(message)) = dechunker.next(&mut rest) {
            split_aggregate(&message).for_each(drop);
            held = held.max(dechunker.held());
        }
        held = held.max(dechunker.held());
    }
    held
}

/// Bytes as a command's body.
fn amf0(bytes: &[u8]) -> usize {
    drop(amf::decode(bytes));
    0
}

/// Bytes through chunks and session, every publisher let in.
fn session(bytes: &[u8]) -> usize {
    let (mut dechunker, mut session) = (Dechunker::new(), Session::new());
    let (mut rest, mut actions, mut held) = (bytes, Vec::new(), 0);
    session.note_received(bytes.len());
    while let Ok(Some(message)) = dechunker.next(&mut rest) {
        if session.handle(message, &mut actions).is_err() {
            break;
        }
        if session.is_asking() {
            dechunker.allow_media();
            session.accept();
        }
        held = held.max(dechunker.held());
    }
    session.replies().take();
    held.max(dechunker.held())
}

/// Bytes through all of a connection.
fn whole_connection(bytes: &[u8], random: &mut Random) -> usize {
    let (mut wire, mut actions, mut demuxer) = (Wire::new(), Vec::new(), Demuxer::default());
    let mut held = 0;
    for piece in bytes.chunks(random.below(4000) + 1) {
        wire.input().extend_from_slice(piece);
        loop {
            if wire.advance(&mut actions).is_err() {
                return held;
            }
            held = held.max(wire.held());
            let mut asked = false;
            for action in actions.drain(..) {
                match action {
                    Action::Announce(_) => {}
                    Action::Publish(_) => asked = true,
                    Action::Media { timestamp, body, .. } => {
                        let _ = demuxer.video(timestamp, body, &mut Vec::new());
                    }
                    Action::End(_) => return held,
                }
            }
            if !asked {
                break;
            }
            wire.accept();
        }
    }
    held
}

/// A few tag bodies through one demultiplexer, so that its memory of earlier ones is tried too.
fn flv(corpus: &Corpus, random: &mut Random) -> usize {
    let (mut demuxer, mut tags) = (Demuxer::default(), Vec::new());
    for _ in 0..=random.below(3) {
        let (video, body) = corpus.tag(random);
        let timestamp = random.number();
        let body = Bytes::from(body);
        let _ = match video {
            true => demuxer.video(timestamp, body, &mut tags),
            false => demuxer.audio(timestamp, body, &mut tags),
        };
    }
    0
}

/// The number behind `name` on the command line.
fn argument(name: &str) -> Option<u64> {
    let mut rest = std::env::args().skip_while(|argument| argument != name);
    rest.nth(1)?.parse().ok()
}

/// The most memory this process ever had, as Linux tells it.
fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
