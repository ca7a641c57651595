//! The rules of the packager, one test per rule, and its invariants for any input.

mod behind;
mod cuts;
mod parts;
mod property;
mod stalls;
mod support;
mod tracks;
