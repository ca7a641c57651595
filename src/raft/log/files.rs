//! The few things the log does with files, so that a test can stand between it and the disk.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rustix::fs::FallocateFlags;

/// Zeros are written in pieces of this size.
const ZEROS: usize = 64 << 10;

/// A file that was made ahead, for the next [`Files::make`].
const SPARE: &str = "spare";

/// Files of one folder by name.
pub(in crate::raft) trait Files: Send + Sync {
    /// All names.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// A piece of a file.
    fn read_at(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Makes a file of `len` zeros whose space is reserved; its name and space survive a power cut.
    fn make(&self, name: &str, len: u64) -> io::Result<()>;
    /// Writes; survives a power cut only after [`Self::sync`].
    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything written to the file survive a power cut.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Removes a file for good.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// A folder on the disk.
pub(super) struct Folder {
    path: PathBuf,
    /// A log has few segments; each is opened once.
    open: Mutex<HashMap<String, Arc<File>>>,
    /// Makes the spare; none when there is none.
    spare: Mutex<Option<JoinHandle<io::Result<File>>>>,
}

impl Folder {
    /// The folder at `path`, made when it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // The folder around it may be as new as it is.
        let around = path.ancestors().skip(1).take(2);
        for folder in around.filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        // One that is left may be unfinished.
        let left = std::fs::remove_file(path.join(SPARE));
        if let Some(error) = left.err().filter(|error| error.kind() != ErrorKind::NotFound) {
            return Err(error);
        }
        Ok(Self { path: path.to_owned(), open: Mutex::default(), spare: Mutex::default() })
    }

    fn file(&self, name: &str) -> io::Result<Arc<File>> {
        let mut open = self.open.lock();
        if let Some(file) = open.get(name) {
            return Ok(Arc::clone(file));
        }
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        let file = Arc::new(file);
        open.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// Writing zeros takes a while, so the next file is made while this one is filled.
    fn make_spare(&self, len: u64) {
        let path = self.path.join(SPARE);
        let make = std::thread::Builder::new().name("raft log spare".into());
        // Without one, the next file is made when it is wanted.
        *self.spare.lock() = make.spawn(move || zeros(&path, len)).ok();
    }

    /// The spare under its new name, when it is there and sound.
    fn take_spare(&self, name: &str) -> Option<File> {
        let file = self.spare.lock().take()?.join().ok()?.ok();
        let (from, to) = (self.path.join(SPARE), self.path.join(name));
        file.filter(|_| {
            std::fs::hard_link(&from, to).and_then(|()| std::fs::remove_file(&from)).is_ok()
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Drop for Folder {
    /// Whoever opens the folder next must not find it half made.
    fn drop(&mut self) {
        if let Some(making) = self.spare.lock().take() {
            let _ = making.join();
        }
    }
}

impl Files for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.path.join(name))
    }

    fn read_at(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file(name)?.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    fn make(&self, name: &str, len: u64) -> io::Result<()> {
        let file = match self.take_spare(name) {
            Some(file) => file,
            None => zeros(&self.path.join(name), len)?,
        };
        self.open.lock().insert(name.to_owned(), Arc::new(file));
        self.sync_names()?;
        self.make_spare(len);
        Ok(())
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, at)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        #[cfg(feature = "fault")]
        std::thread::park_timeout(slow::delay());
        self.file(name)?.sync_data()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.open.lock().remove(name);
        std::fs::remove_file(self.path.join(name))?;
        self.sync_names()
    }
}

/// A disk that takes its time, for tests of a whole node.
#[cfg(feature = "fault")]
pub mod slow {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static DELAY_MS: AtomicU64 = AtomicU64::new(0);

    /// From now on each sync of a log of this process takes `delay` longer.
    pub fn set(delay: Duration) {
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        DELAY_MS.store(ms, Ordering::Relaxed);
    }

    pub(super) fn delay() -> Duration {
        Duration::from_millis(DELAY_MS.load(Ordering::Relaxed))
    }
}

/// A new file of `len` zeros that are on the disk: syncing what is written over them later changes nothing about the
/// file itself, so the file system has nothing else to do then. A full disk is told here and not in the middle of a
/// write.
fn zeros(path: &Path, len: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, len).map_err(io::Error::from) {
        Err(error) if error.kind() != ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    let zeros = [0; ZEROS];
    for at in (0..len).step_by(ZEROS) {
        let piece = usize::try_from(len - at).unwrap_or(ZEROS).min(ZEROS);
        file.write_all_at(zeros.get(..piece).unwrap_or(&zeros), at)?;
    }
    file.sync_all()?;
    Ok(file)
}
