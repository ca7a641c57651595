//! The newest whole checkpoint, read by several threads: one reads pages, each half of the state has another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use weir_ledger::State;
use weir_ledger::checkpoint::{Core, Loader, PageId};

use super::pages::{Held, Kept, MARK, hash, named};
use super::{Mark, Stand, forget, place};
use crate::store::sled::Rows;

/// Pages that go from one thread to another at once, and how many such wait.
const AT_ONCE: usize = 256;
const WAITING: usize = 16;

/// A state as it was, and where the journal stood.
pub(in crate::store::ledger) struct Loaded {
    pub(in crate::store::ledger) state: State,
    pub(in crate::store::ledger) stand: Stand,
    pub(in crate::store::ledger) kept: Kept,
}

type Page = (PageId, Vec<u8>);

/// Reads the checkpoint below `dir`; none when there is none that is whole. What is there is removed then.
pub(in crate::store::ledger) fn load(dir: &Path) -> Option<Loaded> {
    let pages = place(dir);
    if !pages.exists() {
        return None;
    }
    let loaded = read(&pages);
    let Err(error) = loaded else { return loaded.ok() };
    tracing::warn!(%error, "the ledger's checkpoint is of no use; every record is made again");
    forget(dir);
    None
}

fn read(dir: &Path) -> Result<Loaded, String> {
    let rows = Rows::open(dir).map_err(|error| error.to_string())?;
    let mark = rows.get(MARK).map_err(|error| error.to_string())?.ok_or("it was never finished")?;
    let mark: Mark = serde_json::from_slice(&mark).map_err(|error| error.to_string())?;
    let mut stale = Vec::new();
    let (built, held) = std::thread::scope(|scope| {
        let (first, first_pages) = sync_channel(WAITING);
        let (second, second_pages) = sync_channel(WAITING);
        let core = &mark.core;
        let builders = [
            scope.spawn(move || build(core, 0, &first_pages)),
            scope.spawn(move || build(core, 1, &second_pages)),
        ];
        let held = feed(&rows, mark.number, [first, second], &mut stale);
        let built = builders.map(|one| one.join().map_err(|_| "a thread panicked".to_owned()));
        held.map(|held| (built, held))
    })?;
    let [first, second] = built;
    let (first, second) = (first??, second??);
    let sum = held.values().fold(0_u128, |sum, one| sum.wrapping_add(one.hash));
    if sum != mark.sum {
        return Err("its pages are not those that were written".into());
    }
    let state = first.join(second, &mark.core).map_err(|error| error.to_string())?;
    let kept = Kept { rows, number: mark.number, sum, held, stale };
    Ok(Loaded { state, stand: mark.stand, kept })
}

/// Sends the newest of each page, up to checkpoint `number`, to whoever builds its half; answers with what they are.
fn feed(
    rows: &Rows,
    number: u64,
    to: [SyncSender<Vec<Page>>; 2],
    stale: &mut Vec<Vec<u8>>,
) -> Result<BTreeMap<PageId, Held>, String> {
    let mut newest: Option<(Vec<u8>, PageId, u64, Vec<u8>)> = None;
    let (mut waiting, mut held) = (<[Vec<Page>; 2]>::default(), Vec::new());
    let mut send = |id: PageId, number: u64, bytes: Vec<u8>| {
        held.push((id, Held { number, hash: hash(id, &bytes) }));
        let half = usize::from(Loader::half_of(id.table));
        waiting[half].push((id, bytes));
        if waiting[half].len() >= AT_ONCE {
            // A builder that is gone has said why.
            let _ = to[half].send(std::mem::take(&mut waiting[half]));
        }
    };
    for row in rows.all() {
        let (name, bytes) = row.map_err(|error| error.to_string())?;
        let Some((id, written)) = named(&name) else { continue };
        if written > number {
            stale.push(name);
            continue;
        }
        match newest.replace((name, id, written, bytes)) {
            Some((old, known, ..)) if known == id => stale.push(old),
            Some((_, id, number, bytes)) => send(id, number, bytes),
            None => {}
        }
    }
    if let Some((_, id, number, bytes)) = newest {
        send(id, number, bytes);
    }
    for (to, rest) in to.iter().zip(waiting) {
        let _ = to.send(rest);
    }
    Ok(held.into_iter().collect())
}

/// Builds a half.
fn build(core: &Core, half: u8, pages: &Receiver<Vec<Page>>) -> Result<Loader, String> {
    let mut loader = Loader::new(core, half).map_err(|error| error.to_string())?;
    for (id, bytes) in pages.iter().flatten() {
        loader.page(id, &bytes).map_err(|error| error.to_string())?;
    }
    Ok(loader.finish())
}
