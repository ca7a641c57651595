//! The real consensus in a world without chance: its own log on disks whose power goes, openraft, batches, forwarding
//! and linearizable reads, over a network that delays, loses and cuts, on tokio's paused clock in one thread.
//!
//! `WEIR_SIM_RAFT_SEEDS=2000` runs so many seeds, `WEIR_SIM_SEED=n` the one that a failure named. What clients saw has
//! to be linearizable, and what payers were told of has to be recorded once on every node, also after all nodes were switched off and lost their machines; after healing, writes succeed
//! within a bounded time.

#[path = "../../../tests/sim/dice.rs"]
mod dice;
mod history;
mod money;
mod network;
mod registers;
mod run;
pub(crate) mod runtime;
mod site;

/// Seeds of the quick tier.
const SEEDS: u64 = 100;

/// The seeds to run: one, or as many as are asked for, from 0 on.
#[allow(clippy::disallowed_methods)]
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    match number("WEIR_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WEIR_SIM_RAFT_SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn clients_see_one_register_after_the_other_whatever_breaks() {
    let seeds = seeds();
    let (mut answered, mut unanswered, mut paid, mut starts) = (0, 0, 0, 0);
    let (mut slowest, mut wrong) = ((std::time::Duration::ZERO, 0), Vec::new());
    for seed in seeds.clone() {
        match run::run(seed) {
            Ok(ran) => {
                slowest = slowest.max((ran.healed, seed));
                (answered, unanswered) = (answered + ran.answered, unanswered + ran.unanswered);
                (paid, starts) = (paid + ran.paid, starts + ran.starts);
            }
            Err(found) => wrong.push(format!("WEIR_SIM_SEED={seed}: {found}")),
        }
    }
    println!(
        "seeds {seeds:?}: {answered} answered, {unanswered} unanswered, {paid} payments told, {starts} starts; slowest to heal: {slowest:?}"
    );
    assert!(wrong.is_empty(), "{} of {seeds:?}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..3 {
        assert_eq!(run::run(seed), run::run(seed));
    }
}

/// openraft gives a leader that was back before anybody noticed its old term, in which it knows too little.
#[test]
fn a_leader_that_is_back_at_once_reads_everything_that_it_acknowledged_before() {
    for seed in 0..10 {
        assert_eq!(run::cut_and_read(seed), Ok(7), "seed {seed}");
    }
}
