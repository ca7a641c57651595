//! Names on the disk: how they come, go and lead to files.

use std::path::{Path, PathBuf};

use super::{Handle, Inode, Medium, What};
use crate::harness::strace::Call;

impl Medium {
    /// Takes in what is in a folder before everything.
    pub(super) fn found(&mut self, folder: &Path, inode: usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_folder = path.is_dir();
            let base = if is_folder { Vec::new() } else { std::fs::read(&path).unwrap() };
            let (len, made_as) = (base.len() as u64, path.clone());
            let made = Inode { is_folder, base, len, made_as, ..Inode::default() };
            let number = self.nodes.len();
            self.nodes.push(made);
            self.now.insert((inode, name.clone()), number);
            self.nodes[inode]
                .change(What::Put(name, number), &Call { end: Some(0), ..Call::default() });
            if is_folder {
                self.found(&path, number);
            }
        }
        // Everything that is there at the beginning is there for good.
        self.nodes[inode].syncs.push((1, 1));
    }

    /// What the program knows once the call has ended.
    pub(super) fn ended(&mut self, call: &Call) {
        if !call.is_done() {
            return;
        }
        let (number, _) = call.descriptor();
        let answer = call.answer.unwrap_or_default();
        match call.name.as_str() {
            "openat" | "open" | "creat" => self.opened(call, answer),
            "dup" | "dup2" | "dup3" => self.copied(number, answer),
            "fcntl" if call.args.get(1).is_some_and(|arg| arg.starts_with("F_DUPFD")) => {
                self.copied(number, answer);
            }
            "lseek" => {
                if let Some(handle) = self.open.get_mut(&number) {
                    handle.at = u64::try_from(answer).unwrap();
                }
            }
            "mkdir" | "mkdirat" => {
                self.make(&path_of(call, 0), true, call);
            }
            "unlink" | "unlinkat" | "rmdir" => {
                if let Some((folder, name)) = self.place(&path_of(call, 0)) {
                    self.now.remove(&(folder, name.clone()));
                    self.nodes[folder].change(What::Take(name), call);
                }
            }
            "link" | "linkat" => {
                let from = self.find(&path_of(call, 0));
                if let (Some(inode), Some(to)) = (from, self.place(&path_of(call, 1))) {
                    self.put(to, inode, call);
                }
            }
            "rename" | "renameat" | "renameat2" => self.renamed(call),
            "symlink" | "symlinkat" => panic!("a link by name is not followed: {call:?}"),
            _ => {}
        }
    }

    fn opened(&mut self, call: &Call, number: i64) {
        let path = path_of(call, 0);
        if !path.starts_with(&self.root) {
            self.open.remove(&number);
            return;
        }
        let flags = call.args.iter().find(|arg| arg.contains("O_")).map_or("", String::as_str);
        let has = |flag: &str| flags.split('|').any(|one| one == flag);
        let inode = match self.find(&path) {
            Some(inode) => {
                if has("O_TRUNC") {
                    self.nodes[inode].change(What::Len(0), call);
                }
                inode
            }
            None => {
                assert!(has("O_CREAT"), "{} is not known: {call:?}", path.display());
                self.make(&path, false, call)
            }
        };
        let handle = Handle { inode, at: 0, appends: has("O_APPEND"), reads: has("O_RDWR") };
        self.open.insert(number, handle);
    }

    fn copied(&mut self, from: i64, to: i64) {
        match self.open.get(&from).copied() {
            Some(handle) => drop(self.open.insert(to, handle)),
            None => drop(self.open.remove(&to)),
        }
    }

    fn renamed(&mut self, call: &Call) {
        let (from, to) = (path_of(call, 0), path_of(call, 1));
        let Some(inode) = self.find(&from) else {
            assert!(!to.starts_with(&self.root), "{} comes from elsewhere", to.display());
            return;
        };
        let from = self.place(&from).expect("a place below the root");
        let to = self.place(&to).expect("nothing leaves the folder");
        self.now.remove(&from);
        if from.0 != to.0 {
            self.nodes[from.0].change(What::Take(from.1), call);
            return self.put(to, inode, call);
        }
        self.now.insert(to.clone(), inode);
        self.nodes[to.0].change(What::Move(from.1, to.1, inode), call);
    }

    fn make(&mut self, path: &Path, is_folder: bool, call: &Call) -> usize {
        let number = self.nodes.len();
        let Some(place) = self.place(path) else { return number };
        self.nodes.push(Inode { is_folder, made_as: path.to_owned(), ..Inode::default() });
        self.put(place, number, call);
        number
    }

    fn put(&mut self, (folder, name): (usize, String), inode: usize, call: &Call) {
        self.now.insert((folder, name.clone()), inode);
        self.nodes[folder].change(What::Put(name, inode), call);
    }

    /// The folder of a path, and its name there; none for what is not below the root.
    fn place(&self, path: &Path) -> Option<(usize, String)> {
        let (folder, name) = (path.parent()?, path.file_name()?);
        Some((self.find(folder)?, name.to_str()?.to_owned()))
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let rest = path.strip_prefix(&self.root).ok()?;
        let mut names = rest.components().map(|part| part.as_os_str().to_str().unwrap().to_owned());
        names.try_fold(0, |folder, name| self.now.get(&(folder, name)).copied())
    }
}

/// The path that is the call's argument: whole, or below the folder that a descriptor before it is of.
fn path_of(call: &Call, nth: usize) -> PathBuf {
    let text = String::from_utf8(call.strings[nth].clone()).unwrap();
    let mut strings = call.args.iter().enumerate().filter(|(_, arg)| arg.starts_with('"'));
    let at = strings.nth(nth).map_or(0, |(at, _)| at);
    let (_, folder) = call.descriptor_at(at.saturating_sub(1));
    Path::new(folder).join(text)
}
