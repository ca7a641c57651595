//! Power cuts: after each, the log has everything that was acknowledged and nothing that was not written.

use super::disk::{Cut, Dice, Image};
use super::*;

const SEGMENT: u64 = 8 << 10;
const IMAGES: u64 = 100;
/// The larger tier; run with `--ignored`.
const IMAGES_MANY: u64 = 5_000;

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
    let files = Arc::new(Cut::of(image, steps));
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
    let quiet = Arc::new(Cut::of(image.clone(), u64::MAX));
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
        let mut dice = Dice::new(seed);
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
