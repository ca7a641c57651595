//! A disk that remembers what was synced, and images of what it may hold when the power goes.
//!
//! Of everything written since the last sync, each sector may be there or not, in any order. Names appear
//! and vanish with their sync; one that was in work may be either.

use std::collections::BTreeMap;
use std::io;

use parking_lot::Mutex;

use super::*;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// A small generator: the same seed gives the same image.
pub(in crate::raft) struct Dice(u64);

impl Dice {
    pub(in crate::raft) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::raft) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides
    }
}

/// All files with their bytes.
pub(in crate::raft) type Image = BTreeMap<String, Vec<u8>>;

/// Stops for good after `steps` changes, as if the power went.
#[derive(Default)]
struct Disk {
    durable: Image,
    now: Image,
    unsynced: Vec<(String, u64, Vec<u8>)>,
    /// A file whose making or removal was in work.
    in_work: Option<(String, Option<Vec<u8>>)>,
    steps: u64,
}

/// A disk whose power goes.
pub(in crate::raft) struct Cut(Mutex<Disk>);

impl Cut {
    /// A disk that holds `image` and has power for so many changes.
    pub(in crate::raft) fn of(image: Image, steps: u64) -> Self {
        let disk = Disk { durable: image.clone(), now: image, steps, ..Disk::default() };
        Self(Mutex::new(disk))
    }

    /// The power goes now.
    pub(in crate::raft) fn cut(&self) {
        self.0.lock().steps = 0;
    }

    /// The power stays from now on, if it is there.
    pub(in crate::raft) fn keep_on(&self) {
        let mut disk = self.0.lock();
        if disk.steps > 0 {
            disk.steps = u64::MAX;
        }
    }

    /// Whether the power has gone.
    pub(in crate::raft) fn is_off(&self) -> bool {
        self.0.lock().steps == 0
    }

    fn step<T>(&self, act: impl FnOnce(&mut Disk, bool) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.0.lock();
        let off = || Err(io::Error::other("the power is off"));
        match disk.steps {
            0 => off(),
            1 => {
                disk.steps = 0;
                act(&mut disk, true)?;
                off()
            }
            _ => {
                disk.steps -= 1;
                act(&mut disk, false)
            }
        }
    }

    /// What the disk may hold now.
    pub(in crate::raft) fn image(&self, dice: &mut Dice) -> Image {
        let disk = self.0.lock();
        let mut image = disk.durable.clone();
        for (name, at, bytes) in &disk.unsynced {
            let Some(file) = image.get_mut(name) else { continue };
            let mut from = 0;
            while from < bytes.len() {
                let place = *at as usize + from;
                let to = (from + SECTOR - place % SECTOR).min(bytes.len());
                if dice.roll(2) == 0 {
                    file[place..place + to - from].copy_from_slice(&bytes[from..to]);
                }
                from = to;
            }
        }
        if let Some((name, made)) = &disk.in_work {
            match made {
                Some(zeros) => match dice.roll(3) {
                    0 => {}
                    1 => drop(image.insert(name.clone(), Vec::new())),
                    _ => drop(image.insert(name.clone(), zeros.clone())),
                },
                None if dice.roll(2) == 0 => drop(image.remove(name)),
                None => {}
            }
        }
        image
    }
}

impl Files for Cut {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().now.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.lock().now.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        Ok(self.read(name)?[at as usize..at as usize + len].to_vec())
    }

    fn make(&self, name: &str, len: u64) -> io::Result<()> {
        self.step(|disk, cut| {
            let zeros = vec![0; len as usize];
            if cut {
                disk.in_work = Some((name.into(), Some(zeros)));
                return Ok(());
            }
            disk.now.insert(name.into(), zeros.clone());
            disk.durable.insert(name.into(), zeros);
            Ok(())
        })
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.step(|disk, _| {
            disk.now.get_mut(name).unwrap()[at as usize..at as usize + bytes.len()]
                .copy_from_slice(bytes);
            disk.unsynced.push((name.into(), at, bytes.to_vec()));
            Ok(())
        })
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.step(|disk, cut| {
            if !cut {
                disk.durable.insert(name.into(), disk.now[name].clone());
                disk.unsynced.retain(|(other, ..)| other != name);
            }
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step(|disk, cut| {
            if cut {
                disk.in_work = Some((name.into(), None));
                return Ok(());
            }
            disk.now.remove(name);
            disk.durable.remove(name);
            Ok(())
        })
    }
}
