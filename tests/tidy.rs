//! The rules of the house, as tests. Each rule is one small function over one file or over the list of files, and each
//! has a test that plants a violation: a rule that cannot fail protects nothing.

mod calls;
mod invariants;
mod layers;
mod shape;
mod source;
mod tree;

use source::{Source, sources};

/// What a rule found in one file: sentences that name the place and say what to do instead.
type Findings = Vec<String>;

/// Runs a rule over every Rust file of the house.
fn all_rust_files_obey(rule: fn(&Source) -> Findings) {
    let findings: Findings = sources().iter().filter(|one| one.is_rust()).flat_map(rule).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Runs a rule over every text file of the house.
fn all_files_obey(rule: fn(&Source) -> Findings) {
    let findings: Findings = sources().iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
