//! The simulated workload over many seeds.
//!
//! `WEIR_LEDGER_SEEDS=5000` runs so many seeds, `WEIR_SIM_SEED=n` the one that a failure named.

use super::REQUESTS;
use super::drain::drain;
use super::judged::run;

/// Seeds of the quick tier.
const SEEDS: u64 = 100;

/// The seeds to run: one, or as many as are asked for, from 0 on.
#[allow(clippy::disallowed_methods)]
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    match number("WEIR_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WEIR_LEDGER_SEEDS").unwrap_or(SEEDS),
    }
}

/// INV-1 to INV-5, INV-12, INV-15 to INV-21, as the auditor has them, and that in the end nothing is stuck.
#[test]
fn the_auditor_agrees_with_the_ledger_and_nothing_stays_stuck() {
    let wrong: Vec<u64> = seeds()
        .filter(|seed| {
            let ran = std::panic::catch_unwind(|| {
                let mut run = run(*seed, REQUESTS);
                drain(&mut run.state, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            });
            ran.inspect_err(|_| println!("WEIR_SIM_SEED={seed}")).is_err()
        })
        .collect();
    assert!(wrong.is_empty(), "WEIR_SIM_SEED= any of {wrong:?}");
}
