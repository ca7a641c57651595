//! Images: what a disk may hold when the power goes at a line of the trace.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::{Change, Inode, Medium, What};
use crate::sim::dice::Dice;

/// Of what was not synced when the power went, what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kept {
    All,
    Nothing,
    /// What was begun before a line; of what was begun there, the first bytes.
    Upto(usize),
    /// The lengths of files, and zeros where the bytes belong.
    Lengths,
    /// Each piece of so many bytes or not, by the dice.
    Some(usize),
}

/// The power goes when everything before this line has happened.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Cut {
    pub(in super::super) line: usize,
    pub(in super::super) kept: Kept,
    pub(in super::super) seed: u64,
}

impl Cut {
    /// One of those that `seed` gives: at one of `lines`.
    pub(in super::super) fn throw(seed: u64, (all, rare): &(Vec<usize>, Vec<usize>)) -> Self {
        let mut dice = Dice::new(seed);
        let lines = if dice.permille(500) { rare } else { all };
        let line = dice.pick(lines).unwrap() + dice.between(0, 1) as usize;
        let kept = match seed % 8 {
            0 => Kept::All,
            1 => Kept::Nothing,
            2 => Kept::Upto(line.saturating_sub(dice.between(0, 200) as usize)),
            3 => Kept::Lengths,
            odd => Kept::Some(if odd % 2 == 0 { 512 } else { 4096 }),
        };
        Self { line, kept, seed }
    }
}

impl Medium {
    /// Writes what the disk may hold into `folder`, which is empty.
    pub(in super::super) fn write_image(&self, cut: Cut, folder: &Path) {
        let mut dice = Dice::new(cut.seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        self.write_folder(0, cut, &mut dice, folder, &mut HashMap::new());
    }

    fn write_folder(
        &self,
        inode: usize,
        cut: Cut,
        dice: &mut Dice,
        folder: &Path,
        made: &mut HashMap<usize, Vec<u8>>,
    ) {
        for (name, inode) in self.nodes[inode].names(cut, dice) {
            let (path, node) = (folder.join(name), &self.nodes[inode]);
            if node.is_folder {
                std::fs::create_dir(&path).unwrap();
                self.write_folder(inode, cut, dice, &path, made);
                continue;
            }
            // A file with two names is one file.
            let bytes = made.entry(inode).or_insert_with(|| node.bytes(cut, dice));
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

impl Inode {
    fn names(&self, cut: Cut, dice: &mut Dice) -> BTreeMap<String, usize> {
        let begun = || self.changes.iter().filter(|change| change.begin < cut.line);
        let pending = begun().filter(|change| !change.is_durable(cut)).count() as u64;
        let mut left = match cut.kept {
            Kept::All | Kept::Lengths => pending,
            Kept::Nothing => 0,
            Kept::Upto(line) => {
                begun().filter(|one| !one.is_durable(cut) && one.begin < line).count() as u64
            }
            Kept::Some(_) => dice.between(0, pending),
        };
        let mut names = BTreeMap::new();
        for change in begun() {
            if !change.is_durable(cut) {
                if left == 0 {
                    continue;
                }
                left -= 1;
            }
            match &change.what {
                What::Put(name, inode) => drop(names.insert(name.clone(), *inode)),
                What::Take(name) => drop(names.remove(name)),
                What::Move(from, to, inode) => {
                    names.remove(from);
                    names.insert(to.clone(), *inode);
                }
                other => panic!("a folder has no {other:?}"),
            }
        }
        names
    }

    fn bytes(&self, cut: Cut, dice: &mut Dice) -> Vec<u8> {
        let (mut bytes, mut sure) = (self.base.clone(), self.base.len());
        let mut longest = sure;
        for change in self.changes.iter().take_while(|change| change.begin < cut.line) {
            if change.is_durable(cut) {
                change.apply(&mut bytes);
                sure = bytes.len();
            } else {
                change.apply_some(cut, dice, &mut bytes);
                sure = sure.min(bytes.len());
            }
            longest = longest.max(bytes.len()).max(change.reaches());
        }
        if let Kept::Some(_) = cut.kept
            && self.changes.iter().any(|one| one.begin < cut.line && !one.is_durable(cut))
        {
            // How long it is, is a matter of its own.
            match dice.between(0, 3) {
                0 if longest > bytes.len() => bytes.resize(longest, 0),
                1 if sure < bytes.len() => {
                    bytes.truncate(dice.between(sure as u64, bytes.len() as u64) as usize);
                }
                _ => {}
            }
        }
        bytes
    }
}

impl Change {
    fn is_durable(&self, cut: Cut) -> bool {
        self.durable.is_some_and(|line| line < cut.line)
    }

    fn reaches(&self) -> usize {
        match &self.what {
            What::Write { at, bytes } => *at as usize + bytes.len(),
            _ => 0,
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        match &self.what {
            What::Write { at, bytes } => put(file, *at as usize, bytes),
            What::Len(len) => file.resize(*len as usize, 0),
            What::AtLeast(len) => file.resize(file.len().max(*len as usize), 0),
            other => panic!("a file has no {other:?}"),
        }
    }

    fn apply_some(&self, cut: Cut, dice: &mut Dice, file: &mut Vec<u8>) {
        match (cut.kept, &self.what) {
            (Kept::Nothing, _) => {}
            (Kept::All, _) => self.apply(file),
            (Kept::Upto(line), _) if self.begin < line => self.apply(file),
            (Kept::Upto(line), What::Write { at, bytes }) if self.begin == line => {
                let some = dice.between(0, bytes.len() as u64) as usize;
                put(file, *at as usize, &bytes[..some]);
            }
            (Kept::Upto(_), _) => {}
            (Kept::Lengths, What::Write { .. }) => {
                file.resize(file.len().max(self.reaches()), 0);
            }
            (Kept::Lengths, _) => self.apply(file),
            (Kept::Some(piece), What::Write { at, bytes }) => {
                let mut from = 0;
                while from < bytes.len() {
                    let place = *at as usize + from;
                    let to = (from + piece - place % piece).min(bytes.len());
                    if dice.permille(500) {
                        put(file, place, &bytes[from..to]);
                    }
                    from = to;
                }
            }
            (Kept::Some(_), _) if dice.permille(500) => self.apply(file),
            (Kept::Some(_), _) => {}
        }
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
