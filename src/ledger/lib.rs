//! L1. Money as pure functions: what a request brings about, and what has been so far.
//!
//! The way of a request through this crate: [`State::execute`] looks whether it was done before, a flow drafts what it
//! does to accounts ([`leg`]) and to what lies beside them ([`row`]), and the draft becomes a [`Record`] when every
//! account stays where it may be. The record is made at once, and it is the only thing that changes a state: the state
//! is the fold of its records, on every node and after every start. Records form a [`chain`].
//!
//! [`meter`] says what delivered time costs, [`split`] who gets what of it.
//!
//! Nothing here reads a clock, draws a random number, computes with fractions or iterates in an order that differs
//! between two runs. Amounts are whole minor units, sums are 128 bits wide, and whatever would leave its range is a
//! refusal.

#![deny(clippy::float_arithmetic)]

pub mod account;
mod amount;
pub mod audit;
pub mod batch;
pub mod chain;
pub mod checkpoint;
mod draft;
pub mod explain;
pub mod export;
mod flow;
pub mod leg;
pub mod meter;
pub mod record;
pub mod refusal;
pub mod request;
pub mod row;
pub mod split;
pub mod state;
pub mod statement;
pub mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verify;
pub mod workload;

pub use amount::{Amount, Currency, InvalidAmount, InvalidCurrency, NotAnAmount};
pub use record::Record;
pub use refusal::Refusal;
pub use request::{Command, Request};
pub use state::State;
