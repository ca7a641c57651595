//! What evidence proves of time, looked at once it is all there.

/// Stretches of time, in order and apart from each other.
pub(super) type Stretches = Vec<(u64, u64)>;

/// Time between pieces of evidence that are no further apart than `gap_max`.
pub(super) fn proved(evidence: &[u64], gap_max: u64) -> Stretches {
    let mut all = Stretches::new();
    for two in evidence.windows(2).filter(|two| two[1] - two[0] <= gap_max) {
        match all.last_mut() {
            Some((_, to)) if *to == two[0] => *to = two[1],
            _ => all.push((two[0], two[1])),
        }
    }
    all
}

pub(super) fn long(stretches: &Stretches) -> u64 {
    stretches.iter().map(|(from, to)| to - from).sum()
}

/// How long both were there.
pub(super) fn both(some: &Stretches, others: &Stretches) -> u64 {
    let common = |(from, to): &(u64, u64)| -> u64 {
        others.iter().map(|other| (*to.min(&other.1)).saturating_sub(*from.max(&other.0))).sum()
    };
    some.iter().map(common).sum()
}
