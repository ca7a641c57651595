//! Power cuts: a disk that remembers what was synced, and images of what it may hold when the power goes.
//!
//! Of everything written since the last sync, each sector may be there or not, in any order. Names appear
//! and vanish with their sync; one that was in work may be either.

use std::collections::BTreeMap;
use std::io;

use parking_lot::Mutex;

use super::*;

/// What a disk writes at once.
const SECTOR: usize = 512;
const SEGMENT: u64 = 8 << 10;
const IMAGES: u64 = 100;
/// The larger tier; run with `--ignored`.
const IMAGES_MANY: u64 = 5_000;

/// A small generator: the same seed gives the same image.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides
    }
}

type Image = BTreeMap<String, Vec<u8>>;

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

struct Cut(Mutex<Disk>);

impl Cut {
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
    fn image(&self, dice: &mut Dice) -> Image {
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

/// What a sound log may say: what was acknowledged, or that with the group that was in work.
#[derive(Clone, Default)]
struct Expected {
    state: State,
    next: u64,
    term: u64,
}

impl Expected {
    /// A random group as consensus would write it.
    fn group(&mut self, dice: &mut Dice) -> Vec<Record> {
        let mut group = Vec::new();
        let mut add = |this: &mut Self, record: Record| {
            this.state.apply(&record, 0, 0);
            group.push(record);
        };
        match dice.roll(10) {
            0 => {
                self.term += 1;
                add(self, Record::Vote(format!("{}", self.term).as_bytes().into()));
            }
            1 => add(self, Record::Committed(self.state.last())),
            2 if self.next > 0 => {
                let keep = self.state.purged.map_or(0, |point| point.index + 1);
                self.next = keep + dice.roll(self.next - keep + 1);
                add(self, Record::Truncate(self.next));
            }
            3 => {
                let at = dice.roll(self.state.entries.len() as u64 + 1) as usize;
                let upto = self.state.entries.values().nth(at).map(|slot| slot.point);
                if let Some(upto) = upto {
                    add(self, Record::Purge(upto));
                }
            }
            _ => {}
        }
        for _ in 0..dice.roll(4) + u64::from(group.is_empty()) {
            let body = format!("{} {}", self.next, "x".repeat(dice.roll(900) as usize));
            let record = entry(self.term, self.next, &body);
            self.next += 1;
            self.state.apply(&record, 0, 0);
            group.push(record);
        }
        group
    }

    fn is(&self, state: &State) -> bool {
        let bodies = |state: &State| -> Vec<(Point, Option<Arc<[u8]>>)> {
            state.entries.values().map(|slot| (slot.point, slot.body.clone())).collect()
        };
        let own = &self.state;
        (&own.vote, own.committed, own.purged) == (&state.vote, state.committed, state.purged)
            && bodies(own) == bodies(state)
    }
}

fn open(files: &Arc<Cut>) -> Result<(Journal, State), LogError> {
    Journal::open(Arc::clone(files) as Arc<dyn Files>, SEGMENT)
}

/// Works on `image` until the power goes; answers with what the disk may hold then.
fn life(image: Image, expected: &mut Expected, dice: &mut Dice) -> Result<Image, String> {
    let steps = 1 + dice.roll(120);
    let disk = Disk { durable: image.clone(), now: image, steps, ..Disk::default() };
    let files = Arc::new(Cut(Mutex::new(disk)));
    let mut in_work = None;
    // The power may also go while the log is opened.
    if let Ok((mut journal, mut state)) = open(&files) {
        loop {
            let before = expected.clone();
            let group = expected.group(dice);
            let Ok(places) = journal.write(&group) else {
                in_work = Some(before);
                break;
            };
            for (record, place) in group.iter().zip(places) {
                state.apply(record, place.segment, place.at);
            }
            if journal.free(&state).is_err() {
                break;
            }
        }
    }
    let image = files.image(dice);
    let quiet = Arc::new(Cut(Mutex::new(Disk {
        durable: image.clone(),
        now: image.clone(),
        steps: u64::MAX,
        ..Disk::default()
    })));
    let (_, state) = open(&quiet).map_err(|error| error.to_string())?;
    if let Some(before) = in_work.filter(|before| before.is(&state)) {
        *expected = before;
    }
    if !expected.is(&state) {
        return Err(format!("has {:?}, expected {:?}", state.last(), expected.state.last()));
    }
    Ok(image)
}

fn images(count: u64) {
    let mut failed = Vec::new();
    let mut seed = 0;
    let mut made = 0;
    while made < count {
        seed += 1;
        let mut dice = Dice(seed);
        let (mut image, mut expected) = (Image::new(), Expected::default());
        for _ in 0..5 {
            made += 1;
            match life(image, &mut expected, &mut dice) {
                Ok(next) => image = next,
                Err(error) => {
                    failed.push(format!("seed {seed}: {error}"));
                    break;
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {made}: {failed:#?}", failed.len());
}

#[test]
fn after_a_power_cut_nothing_acknowledged_is_lost_and_nothing_is_invented() {
    images(IMAGES);
}

#[test]
#[ignore = "thousands of images; run once when the format changes"]
fn after_thousands_of_power_cuts_nothing_acknowledged_is_lost() {
    images(IMAGES_MANY);
}
