//! Real windows, real links: what an edge serves is what the origin made.

mod cost;
mod faults;
mod links;
mod shades;
mod support;
mod tree;
