//! `weir-node`.

fn main() {}
