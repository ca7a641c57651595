//! The operators' console, `weir-tui`.
//!
//! Read it along the data: `conn` asks the node, `state` keeps what it answered and where the operator is, `view`
//! draws that and says what a key means (`intent`), `app` ties them together without a terminal, `run` and `term` add
//! the terminal. `keymap`, `theme` and `prompt` are tables those read.

pub mod act;
pub mod app;
pub mod clean;
pub mod conn;
#[cfg(test)]
mod fixture;
pub mod graph;
pub mod intent;
pub mod keymap;
pub mod options;
pub mod prompt;
pub mod run;
#[cfg(test)]
mod screens;
#[cfg(test)]
mod scripts;
pub mod state;
pub mod still;
pub mod svg;
pub mod term;
pub mod text;
pub mod theme;
pub mod view;
