//! The console in its terminal: keys, updates and time in, at most twenty frames a second out.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::{App, Effect};
use crate::conn::api::Api;
use crate::conn::replay::Recording;
use crate::conn::{Conn, Update};
use crate::options::Options;
use crate::still;
use crate::term::Term;

/// Least time between two frames: more frames are not seen, and cost a slow line dearly.
const FRAME_EVERY: Duration = Duration::from_millis(50);
/// How often ages and countdowns are looked at.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// Updates taken in before the keyboard is looked at again.
const UPDATES_AT_ONCE: usize = 64;

/// Why the console ended.
#[derive(Debug)]
pub enum Failure {
    /// The options cannot be used.
    Usage(String),
    /// The page is about something that is not there (one-frame modes only).
    NotFound(String),
    /// The node did not answer (one-frame modes only; the console itself waits).
    Unreachable(String),
    /// The node refused the token (one-frame modes only).
    Forbidden(String),
    /// The terminal or a file failed.
    Io(String, io::Error),
}

impl Failure {
    /// The exit code: the same table as the command line's.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Io(..) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Forbidden(_) => 4,
            Self::Unreachable(_) => 8,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(why)
            | Self::NotFound(why)
            | Self::Unreachable(why)
            | Self::Forbidden(why) => f.write_str(why),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

/// Runs the console until the operator leaves.
///
/// # Errors
/// What stopped it; see [`Failure`].
pub async fn run(options: Options) -> Result<(), Failure> {
    match &options.replay {
        Some(path) => {
            let failed = |e| Failure::Io(path.display().to_string(), e);
            let text = std::fs::read(path).map_err(failed)?;
            let recording: Recording = serde_json::from_slice(&text)
                .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
            with(recording, &options).await
        }
        None => with(options.client()?, &options).await,
    }
}

async fn with<A: Api>(api: A, options: &Options) -> Result<(), Failure> {
    if options.once || options.svg.is_some() || options.record.is_some() {
        return still::print(&api, options).await;
    }
    if !io::stdout().is_terminal() {
        let hint = "standard output is no terminal; --once prints one frame";
        return Err(Failure::Usage(hint.into()));
    }
    let mut app = App::new(options.theme());
    app.state.next_id = options.ids();
    let begun = app.begin(options.page()?, &options.filter).map_err(Failure::Usage)?;
    let terminal = |e| Failure::Io("the terminal cannot be used".into(), e);
    let mut term = Term::enter().map_err(terminal)?;
    let (conn, updates) = Conn::start(api);
    for effect in begun {
        perform(effect, &mut app, &conn, &mut term).map_err(terminal)?;
    }
    live(&mut app, &conn, updates, &mut term).await.map_err(terminal)
}

async fn live(
    app: &mut App,
    conn: &Conn,
    mut updates: Receiver<Update>,
    term: &mut Term,
) -> io::Result<()> {
    let mut keys = EventStream::new();
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut tick = interval(TICK_EVERY);
    let mut frame = interval(FRAME_EVERY);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let start = tick.tick().await;
    let (mut dirty, mut waiting) = (true, Vec::with_capacity(UPDATES_AT_ONCE));
    loop {
        tokio::select! {
            biased;
            _ = hangup.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            input = keys.next() => {
                let Some(input) = input.transpose()? else { return Ok(()) };
                dirty = true;
                for effect in accept(app, input) {
                    if effect == Effect::Quit {
                        return Ok(());
                    }
                    perform(effect, app, conn, term)?;
                }
            }
            _ = frame.tick(), if dirty => {
                dirty = false;
                term.screen.draw(|frame| app.draw(frame))?;
            }
            now = tick.tick() => {
                let passed = now.saturating_duration_since(start).as_millis();
                dirty |= app.tick(u64::try_from(passed).unwrap_or(u64::MAX));
            }
            n = updates.recv_many(&mut waiting, UPDATES_AT_ONCE) => {
                if n == 0 {
                    return Err(io::Error::other("the connection's loops ended"));
                }
                waiting.drain(..).for_each(|update| app.update(update));
                dirty = true;
            }
        }
    }
}

fn accept(app: &mut App, input: Event) -> Vec<Effect> {
    match input {
        Event::Key(key) => app.key(&key),
        Event::Paste(text) => {
            app.paste(&text);
            Vec::new()
        }
        Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => Vec::new(),
    }
}

fn perform(effect: Effect, app: &mut App, conn: &Conn, term: &mut Term) -> io::Result<()> {
    match effect {
        Effect::Send(request) => {
            if let Err(refused) = conn.send(request) {
                app.update(refused);
            }
            Ok(())
        }
        Effect::Copy(text) => term.copy(&text),
        Effect::Redraw => term.screen.clear(),
        Effect::Quit => Ok(()),
    }
}
