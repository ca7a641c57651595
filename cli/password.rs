//! The only place where a password is read: from a terminal that does not show it, or from a pipe. Never from arguments,
//! which every user of the machine can read.

use std::io::{self, BufRead, Read, Write};
use std::sync::Mutex;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The longest line that is read; no password is longer.
const LINE_BYTES_MAX: u64 = 1024;

/// The terminal as it was before it stopped to show what is typed.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Reads one line: after `prompt` and without showing it, or from a pipe when there is no prompt. Blocks.
///
/// # Errors
/// When there is nothing to read, or it is no text.
pub fn read(prompt: Option<&str>) -> io::Result<String> {
    if let Some(prompt) = prompt {
        hide()?;
        let mut err = io::stderr();
        let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
    }
    let mut line = String::new();
    let read = io::stdin().lock().take(LINE_BYTES_MAX).read_line(&mut line);
    if prompt.is_some() {
        show();
        let _ = io::stderr().write_all(b"\n");
    }
    read?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// Lets the terminal show again what is typed; also for whoever is interrupted while it does not.
pub fn show() {
    let before = BEFORE.lock().ok().and_then(|mut before| before.take());
    if let Some(before) = before {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
    }
}

fn hide() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    if let Ok(mut kept) = BEFORE.lock() {
        *kept = Some(before);
    }
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
    Ok(())
}
