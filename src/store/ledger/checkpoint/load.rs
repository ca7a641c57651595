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

type Page = (PageId, u64, Vec<u8>);

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
    let halves = std::thread::scope(|scope| {
        let (first, first_pages) = sync_channel(WAITING);
        let (second, second_pages) = sync_channel(WAITING);
        let core = &mark.core;
        let builders = [
            scope.spawn(move || build(core, 0, &first_pages)),
            scope.spawn(move || build(core, 1, &second_pages)),
        ];
        let read = feed(&rows, mark.number, [first, second], &mut stale);
        let built = builders.map(|one| one.join().map_err(|_| "a thread panicked".to_owned()));
        read.map(|()| built)
    })?;
    let [first, second] = halves;
    let ((first, mut held), (second, more)) = (first??, second??);
    held.extend(more);
    let sum = held.values().fold(0_u128, |sum, one| sum.wrapping_add(one.hash));
    if sum != mark.sum {
        return Err("its pages are not those that were written".into());
    }
    let state = first.join(second, &mark.core).map_err(|error| error.to_string())?;
    let kept = Kept { rows, number: mark.number, sum, held, stale };
    Ok(Loaded { state, stand: mark.stand, kept })
}

/// Sends the newest of each page, up to checkpoint `number`, to whoever builds its half.
fn feed(
    rows: &Rows,
    number: u64,
    to: [SyncSender<Vec<Page>>; 2],
    stale: &mut Vec<Vec<u8>>,
) -> Result<(), String> {
    let mut newest: Option<(Vec<u8>, Page)> = None;
    let mut waiting: [Vec<Page>; 2] = Default::default();
    let mut send = |page: Page, at_once: usize| {
        let half = usize::from(Loader::half_of(page.0.table));
        waiting[half].push(page);
        if waiting[half].len() >= at_once {
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
        match newest.replace((name, (id, written, bytes))) {
            Some((old, page)) if page.0 == id => stale.push(old),
            Some((_, page)) => send(page, AT_ONCE),
            None => {}
        }
    }
    if let Some((_, page)) = newest {
        send(page, AT_ONCE);
    }
    for (to, rest) in to.iter().zip(waiting) {
        let _ = to.send(rest);
    }
    Ok(())
}

/// Builds a half; answers with it and with what pages it is of.
fn build(
    core: &Core,
    half: u8,
    pages: &Receiver<Vec<Page>>,
) -> Result<(Loader, BTreeMap<PageId, Held>), String> {
    let mut loader = Loader::new(core, half).map_err(|error| error.to_string())?;
    let mut held = Vec::new();
    for (id, number, bytes) in pages.iter().flatten() {
        held.push((id, Held { number, hash: hash(id, &bytes) }));
        loader.page(id, &bytes).map_err(|error| error.to_string())?;
    }
    Ok((loader.finish(), held.into_iter().collect()))
}
