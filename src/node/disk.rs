//! How much room the disk of the data directory has, and what is not taken on any more when there is little.
//!
//! A log that cannot grow in the middle of a write stops consensus on its node. Below the reserve a leader therefore
//! refuses what people ask for, with the reason, and keeps the rest of the disk for what runs: streams, leases,
//! numbers of segments. Nothing of that is refused, and media never touches the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::joining::Place;
use crate::actors::events::Events;
use crate::actors::tasks::Tasks;

/// How often the disk is asked. At the pace of a busy directory a second writes far less than the reserve.
const LOOK: Duration = Duration::from_secs(1);
/// It is told that there is room again when a quarter of the reserve more than needed is free, so that a disk at the
/// edge does not change its mind with every file.
const AGAIN: u64 = 4;

/// The disk. Cheap to clone.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    node: String,
    reserve: u64,
    free: AtomicU64,
    low: AtomicBool,
    #[cfg(feature = "fault")]
    pretended: parking_lot::Mutex<Option<u64>>,
}

impl Disk {
    /// Looks at the disk of `place` now and from now on.
    ///
    /// # Errors
    /// When the system does not say how much is free.
    pub async fn watch(place: &Place<'_>, events: &Events, tasks: &Tasks) -> Result<Self, String> {
        let inner = Inner {
            dir: place.data.to_owned(),
            node: place.name.to_owned(),
            reserve: place.reserve,
            free: AtomicU64::new(0),
            low: AtomicBool::new(false),
            #[cfg(feature = "fault")]
            pretended: parking_lot::Mutex::default(),
        };
        let disk = Self { inner: Arc::new(inner) };
        let look = disk.look(events).await;
        look.map_err(|error| {
            format!("the disk of {} cannot be asked: {error}", place.data.display())
        })?;
        let (own, events) = (disk.clone(), events.clone());
        tasks.spawn("disk", |handle| async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = handle.stopping() => return,
                }
                match own.look(&events).await {
                    Ok(()) => handle.idle(0),
                    Err(error) => handle.error(error),
                }
            }
        });
        Ok(disk)
    }

    /// Bytes that a process like this one may still write.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.inner.free.load(Ordering::Relaxed)
    }

    /// Whether less than the reserve is free.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.inner.low.load(Ordering::Relaxed)
    }

    /// Whether it takes what people ask for.
    ///
    /// # Errors
    /// One sentence that says why not and what to do.
    pub fn room(&self) -> Result<(), String> {
        if self.is_low() { Err(self.sentence()) } else { Ok(()) }
    }

    /// From now on `free` bytes count as free; with none, what the disk says.
    #[cfg(feature = "fault")]
    pub(super) fn pretend(&self, free: Option<u64>) {
        *self.inner.pretended.lock() = free;
    }

    async fn look(&self, events: &Events) -> std::io::Result<()> {
        let dir = self.inner.dir.clone();
        // A disk of the network may take its time.
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&dir)).await;
        let said = asked.map_err(std::io::Error::other)??;
        let free = said.f_bavail.saturating_mul(said.f_frsize);
        #[cfg(feature = "fault")]
        let free = self.inner.pretended.lock().unwrap_or(free);
        self.note(free, events);
        Ok(())
    }

    fn note(&self, free: u64, events: &Events) {
        let inner = &self.inner;
        inner.free.store(free, Ordering::Relaxed);
        let low = is_low(self.is_low(), free, inner.reserve);
        if inner.low.swap(low, Ordering::Relaxed) == low {
            return;
        }
        let (kind, text) = match low {
            true => ("disk.low", self.sentence()),
            false => ("disk.ample", format!("the disk has room again: {}", mib(free))),
        };
        let fields = [("free", free.to_string()), ("reserve", inner.reserve.to_string())];
        events.emit(kind, None, text, &fields);
    }

    fn sentence(&self) -> String {
        let (free, reserve) = (mib(self.free()), mib(self.inner.reserve));
        let (node, dir) = (&self.inner.node, self.inner.dir.display());
        format!(
            "the disk of node {node} has {free} free and keeps {reserve}; free space on the disk of {dir}, or start the node with a smaller disk.reserve_mib"
        )
    }
}

/// Whether `free` bytes are too few, after they `were`.
fn is_low(were: bool, free: u64, reserve: u64) -> bool {
    let needed = if were { reserve.saturating_add(reserve / AGAIN) } else { reserve };
    free < needed
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use weir_model::Roles;

    use super::*;

    #[test]
    fn a_disk_at_the_edge_does_not_change_its_mind_with_every_file() {
        assert!(!is_low(false, 100, 100));
        assert!(is_low(false, 99, 100));
        assert!(is_low(true, 124, 100));
        assert!(!is_low(true, 125, 100));
        assert!(!is_low(false, 0, 0), "without a reserve nothing is refused");
    }

    #[tokio::test]
    async fn who_has_less_than_the_reserve_says_so_once_and_says_what_to_do() {
        let (dir, events, tasks) = (tempfile::tempdir().unwrap(), Events::new(), Tasks::new());
        let at = "127.0.0.1:1".parse().unwrap();
        let place = |reserve| Place {
            data: dir.path(),
            name: "one",
            roles: Roles::all(),
            link: at,
            reached: at,
            reserve,
        };
        let ample = Disk::watch(&place(1), &events, &tasks).await.unwrap();
        assert!(ample.room().is_ok() && ample.free() > 0);
        let low = Disk::watch(&place(u64::MAX), &events, &tasks).await.unwrap();
        let refusal = low.room().unwrap_err();
        assert!(refusal.contains("node one has") && refusal.contains("free space"), "{refusal}");
        low.look(&events).await.unwrap();
        let told = events.after(0, 10).into_iter().filter(|event| event.kind == "disk.low");
        assert_eq!(told.count(), 1);
        tasks.shutdown(Duration::from_secs(1)).await;
    }
}
