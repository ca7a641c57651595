//! A folder as a disk may hold it when the power goes, by the calls of whoever wrote there.
//!
//! Believed is only what POSIX promises: what was written to a file is there once a sync of that file, begun after the
//! write, has ended; a name is there, or gone, once a sync of its folder has ended. Of the rest each sector may be
//! there or not, in any order; names of one folder come and go in their order.

mod image;
mod names;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::harness::strace::Call;
pub(super) use image::Cut;

/// Everything that was done below a folder.
#[derive(Debug, Default)]
pub(super) struct Medium {
    root: PathBuf,
    nodes: Vec<Inode>,
    /// Names as the program sees them: folder, name.
    now: HashMap<(usize, String), usize>,
    open: HashMap<i64, Handle>,
}

/// A file or a folder.
#[derive(Debug, Default)]
pub(super) struct Inode {
    is_folder: bool,
    /// What it had before everything.
    base: Vec<u8>,
    /// How long it is for the program.
    len: u64,
    /// In the order in which they were begun.
    changes: Vec<Change>,
    /// Where each successful sync was begun and had ended.
    syncs: Vec<(usize, usize)>,
    /// The path under which it was made.
    pub(super) made_as: PathBuf,
}

#[derive(Debug)]
struct Change {
    what: What,
    begin: usize,
    end: Option<usize>,
    /// Where the first sync that covers it had ended.
    durable: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Write {
        at: u64,
        bytes: Vec<u8>,
    },
    /// The file is so long from now on.
    Len(u64),
    /// The file is at least so long.
    AtLeast(u64),
    Put(String, usize),
    Take(String),
    Move(String, String, usize),
}

#[derive(Debug, Clone, Copy)]
struct Handle {
    inode: usize,
    at: u64,
    appends: bool,
    reads: bool,
}

/// A write to a file of the folder.
pub(super) struct Write<'a> {
    pub(super) file: &'a Inode,
    pub(super) bytes: &'a [u8],
    pub(super) begin: usize,
    pub(super) end: Option<usize>,
}

impl Medium {
    /// A disk that has what is in `root` now.
    pub(super) fn of(root: &Path) -> Self {
        let folder = Inode { is_folder: true, made_as: root.to_owned(), ..Inode::default() };
        let mut this = Self { root: root.to_owned(), nodes: vec![folder], ..Self::default() };
        this.found(root, 0);
        this
    }

    /// Takes in everything that a process did, from its first call to its last.
    pub(super) fn follow(&mut self, calls: &[Call]) {
        self.open.clear();
        let begins = calls.iter().enumerate().map(|(nth, call)| (call.begin, 0, nth));
        let ends = calls.iter().enumerate().filter_map(|(nth, call)| Some((call.end?, 1, nth)));
        let mut events: Vec<_> = begins.chain(ends).collect();
        events.sort_unstable();
        for (_, is_end, nth) in events {
            match is_end {
                0 => self.begun(&calls[nth]),
                _ => self.ended(&calls[nth]),
            }
        }
        self.nodes.iter_mut().for_each(Inode::settle);
    }

    /// All writes to files whose path when they were made fits, in the order in which they were begun.
    pub(super) fn writes<'a>(&'a self, fits: impl Fn(&Path) -> bool) -> Vec<Write<'a>> {
        let files = self.nodes.iter().filter(|node| !node.is_folder && fits(&node.made_as));
        let each = files.flat_map(|file| file.changes.iter().map(move |change| (file, change)));
        let mut all: Vec<Write<'_>> = each
            .filter_map(|(file, change)| match &change.what {
                What::Write { bytes, .. } => {
                    Some(Write { file, bytes, begin: change.begin, end: change.end })
                }
                _ => None,
            })
            .collect();
        all.sort_by_key(|write| write.begin);
        all
    }

    /// How many files were made under paths that fit.
    pub(super) fn made(&self, fits: impl Fn(&Path) -> bool) -> usize {
        self.nodes.iter().filter(|node| !node.is_folder && fits(&node.made_as)).count()
    }

    /// How often they were synced.
    pub(super) fn syncs(&self, fits: impl Fn(&Path) -> bool) -> usize {
        let fitting = self.nodes.iter().filter(|node| fits(&node.made_as));
        fitting.map(|node| node.syncs.len()).sum()
    }

    /// How many names with that end were removed from a folder.
    pub(super) fn taken(&self, folder: &str, end: &str) -> usize {
        let folders = self.nodes.iter().filter(|node| node.made_as.ends_with(folder));
        let gone =
            |change: &&Change| matches!(&change.what, What::Take(name) if name.ends_with(end));
        folders.map(|node| node.changes.iter().filter(gone).count()).sum()
    }

    /// Lines behind which the disk may hold something else than before: all of them, and of those the rare ones, at
    /// which more happens than that something is appended to a log.
    pub(super) fn lines(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut all, mut rare) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            let changes = node.changes.iter().flat_map(|one| [Some(one.begin), one.end]).flatten();
            let syncs = node.syncs.iter().flat_map(|(begin, end)| [*begin, *end]);
            let lines: Vec<usize> = changes.chain(syncs).collect();
            if lines.len() < 100 || node.is_folder {
                rare.extend(&lines);
            }
            all.extend(lines);
        }
        all.sort_unstable();
        rare.sort_unstable();
        (all, rare)
    }

    /// What takes effect while the call is at work. Descriptors mean then what they meant when it was begun.
    fn begun(&mut self, call: &Call) {
        let (number, path) = call.descriptor();
        match call.name.as_str() {
            "close" => drop(self.open.remove(&number)),
            "mmap" => {
                let shared = ["PROT_WRITE", "MAP_SHARED"]
                    .map(|word| call.args.iter().any(|arg| arg.contains(word)));
                let (_, path) = call.descriptor_at(4);
                let ours = Path::new(path).starts_with(&self.root);
                assert!(
                    shared != [true; 2] || !ours,
                    "a shared map of {path}: its writes are not seen"
                );
            }
            "io_uring_setup" => panic!("what goes through a ring of the kernel is not seen"),
            "write" | "writev" | "pwrite64" | "ftruncate" | "fallocate" => {
                self.file_changed(call, number);
            }
            "pwritev" | "pwritev2" | "copy_file_range" | "sendfile" | "truncate" | "msync" => {
                let ours = call.args.iter().any(|arg| arg.contains(self.root.to_str().unwrap()));
                assert!(!ours, "{} to {path} is not followed", call.name);
            }
            "fsync" | "fdatasync" => {
                if let (Some(handle), Some(end)) = (self.open.get(&number), call.end) {
                    let done = call.answer == Some(0);
                    let inode = &mut self.nodes[handle.inode];
                    inode.syncs.extend(done.then_some((call.begin, end)));
                }
            }
            _ => {}
        }
    }

    fn file_changed(&mut self, call: &Call, number: i64) {
        if call.end.is_some() && !call.is_done() {
            return;
        }
        let Some(handle) = self.open.get_mut(&number) else { return };
        let inode = &mut self.nodes[handle.inode];
        let mut bytes = call.bytes();
        let done = call.answer.and_then(|done| usize::try_from(done).ok()).unwrap_or(bytes.len());
        let what = match call.name.as_str() {
            "ftruncate" => What::Len(call.number(1)),
            "fallocate" => {
                assert_eq!(call.number(1), 0, "{call:?}");
                What::AtLeast(call.number(2) + call.number(3))
            }
            "pwrite64" => {
                bytes.truncate(done);
                What::Write { at: call.number(3), bytes }
            }
            _ => {
                assert!(!handle.reads, "where it writes is not known: {:?}", inode.made_as);
                bytes.truncate(done);
                let at = if handle.appends { inode.len } else { handle.at };
                handle.at = at + bytes.len() as u64;
                What::Write { at, bytes }
            }
        };
        inode.change(what, call);
    }
}

impl Inode {
    fn change(&mut self, what: What, call: &Call) {
        self.len = match &what {
            What::Write { at, bytes } => self.len.max(at + bytes.len() as u64),
            What::Len(len) => *len,
            What::AtLeast(len) => self.len.max(*len),
            _ => self.len,
        };
        self.changes.push(Change { what, begin: call.begin, end: call.end, durable: None });
    }

    /// Whether a sync that was begun after line `from` had ended before line `to`.
    pub(super) fn is_synced_between(&self, from: usize, to: usize) -> bool {
        self.syncs.iter().any(|(begin, end)| *begin > from && *end < to)
    }

    /// Notes which sync covers each change first.
    fn settle(&mut self) {
        self.changes.sort_by_key(|change| change.begin);
        self.syncs.sort_unstable();
        let mut earliest = vec![usize::MAX; self.syncs.len() + 1];
        for (nth, (_, end)) in self.syncs.iter().enumerate().rev() {
            earliest[nth] = earliest[nth + 1].min(*end);
        }
        for change in &mut self.changes {
            let Some(end) = change.end else { continue };
            let first = self.syncs.partition_point(|(begin, _)| *begin <= end);
            change.durable = Some(earliest[first]).filter(|line| *line != usize::MAX);
        }
    }
}
