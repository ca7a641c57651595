//! Puts the player's bundle where the watch page includes it from, or a stub that says how to make it, so that
//! `cargo build` works where npm was never run.

use std::path::{Path, PathBuf};

const STUB: &str = "\
document.documentElement.dataset.state = 'unbuilt';
const text = document.querySelector('#notice-text');
const title = document.querySelector('#notice-title');
if (title) title.textContent = 'The player is not built';
if (text) text.textContent = 'Run \"npm ci && npm run build\" in src/edge/watch, then build weir-node again.';
";

fn main() -> std::io::Result<()> {
    let bundle = Path::new("src/edge/watch/dist/player.js");
    // The folder, so that a bundle that appears later is noticed.
    println!("cargo::rerun-if-changed=src/edge/watch");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("player.js");
    if bundle.exists() {
        std::fs::copy(bundle, out)?;
        return Ok(());
    }
    std::fs::write(out, STUB)
}
