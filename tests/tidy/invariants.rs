//! The invariants of money, INV-1 to INV-30: each is a test that says so in its name, so that whoever reads an invariant
//! finds what protects it, and nobody removes the last test of one.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use super::source::{Source, sources};

const ALL: std::ops::RangeInclusive<u8> = 1..=30;

/// Those that nothing can test yet, and what is missing.
const ABSENT: [(u8, &str); 1] =
    [(25, "a tip is announced in a chat room, and there are no chat rooms yet")];

/// The numbers that the name of a function begins with: `inv_9_…`, `inv_12_and_13_…`, `inv_1_to_4_…`.
fn numbers(name: &str) -> BTreeSet<u8> {
    let Some(rest) = name.strip_prefix("inv_") else { return BTreeSet::new() };
    let words: Vec<&str> = rest.split('_').collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u8>().ok());
    let Some(first) = number(0) else { return BTreeSet::new() };
    let mut all = BTreeSet::from([first]);
    let mut at = 1;
    while let (Some(between), Some(next)) = (words.get(at), number(at + 1)) {
        match *between {
            "and" => all.extend([next]),
            "to" => all.extend(first..=next),
            _ => break,
        }
        at += 2;
    }
    all
}

/// Which invariants a file has tests of. A function is a test by its attribute; one that is ignored protects nothing.
fn tested(file: &Source) -> BTreeSet<u8> {
    let tokens = file.tokens();
    let mut all = BTreeSet::new();
    for (at, two) in tokens.windows(2).enumerate().filter(|(_, two)| two[0].text == "fn") {
        let begins = |text: &str| matches!(text, "{" | "}" | ";");
        let before = tokens[..at].iter().rev().take_while(|token| !begins(&token.text));
        let before: Vec<&str> = before.map(|token| &*token.text).collect();
        if before.contains(&"test") && !before.contains(&"ignore") {
            all.extend(numbers(&two[1].text));
        }
    }
    all
}

fn each_invariant_has_a_test(files: &[Source]) -> Findings {
    let mut places: BTreeMap<u8, &str> = BTreeMap::new();
    for file in files.iter().filter(|one| one.is_rust()) {
        places.extend(tested(file).into_iter().map(|number| (number, &*file.path)));
    }
    let absent = BTreeMap::from(ABSENT);
    let missing = |number: &u8| !places.contains_key(number) && !absent.contains_key(number);
    let missing = ALL.filter(missing).map(|number| {
        format!("INV-{number}: no test is called `inv_{number}_…`; write one that can fail")
    });
    let unknown =
        places.iter().filter(|(number, _)| !ALL.contains(number)).map(|(number, path)| {
            format!("{path}: there is no INV-{number}; call the test after what it tests")
        });
    let there = absent.iter().filter_map(|(number, why)| {
        let path = places.get(number)?;
        Some(format!("{path}: INV-{number} has a test; it is no longer true that {why}"))
    });
    missing.chain(unknown).chain(there).collect()
}

#[test]
fn every_invariant_of_money_is_a_test() {
    let findings = each_invariant_has_a_test(sources());
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn a_missing_an_unknown_and_an_ignored_one_are_found() {
    let test = |name: &str| format!("#[test]\nfn {name}() {{}}\n");
    let find = |text: &str| each_invariant_has_a_test(&[Source::new("src/a.rs", text)]);
    let all = test("inv_1_to_24_all") + &test("inv_26_and_27_more") + &test("inv_28_to_30_rest");
    assert_eq!(find(&all), Findings::new());
    for (text, says) in [
        (all.replace("inv_26_and_27", "inv_26"), "INV-27: no test"),
        (all.replace("#[test]\nfn inv_26", "fn inv_26"), "INV-26: no test"),
        (all.replace("#[test]\nfn inv_26", "#[test]\n#[ignore]\nfn inv_26"), "INV-26: no test"),
        (all.clone() + &test("inv_31_new"), "there is no INV-31"),
        (all.clone() + &test("inv_25_a_tip_is_announced"), "INV-25 has a test"),
    ] {
        assert!(
            find(&text).iter().any(|finding| finding.contains(says)),
            "{says}: {:?}",
            find(&text)
        );
    }
}

#[test]
fn names_tell_their_numbers() {
    let of = |name: &str| numbers(name).into_iter().collect::<Vec<_>>();
    assert_eq!(of("inv_9_a_flipped_bit"), [9]);
    assert_eq!(of("inv_12_and_13_nobody_pays"), [12, 13]);
    assert_eq!(of("inv_1_to_4_every_record"), [1, 2, 3, 4]);
    assert_eq!(of("inv_5_and_nothing_more"), [5]);
    assert_eq!(of("invoices_are_paid"), Vec::<u8>::new());
}
