//! The console without its terminal: keys and updates in, effects and frames out.
//!
//! Everything here is a plain function of what came in, so tests press keys and read screens without a terminal,
//! a network or a clock.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::Frame;
use weir_client::filter::FilterError;

use crate::act::Act;
use crate::act::money::Wish;
use crate::conn::{Focus, Request, Update};
use crate::intent::Intent;
use crate::keymap;
use crate::prompt;
use crate::state::confirm::{Then, Trial};
use crate::state::edit::Edit;
use crate::state::nav::View;
use crate::state::{Mode, State};
use crate::theme::Theme;
use crate::view;

/// Something only the outside can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the connection.
    Send(Request),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Forget what is on the terminal and draw all of it.
    Redraw,
    /// End.
    Quit,
}

/// The console.
pub struct App {
    /// What is known.
    pub state: State,
    /// How it looks.
    pub theme: Theme,
    focus: Focus,
    second: u64,
}

impl App {
    /// A console that knows nothing yet.
    #[must_use]
    pub fn new(theme: Theme) -> Self {
        Self { state: State::default(), theme, focus: Focus::Overview, second: 0 }
    }

    /// Opens the page and sets the filter given at the start.
    ///
    /// # Errors
    /// The filter is not understood, or the page lists nothing.
    pub fn begin(&mut self, view: View, filter: &str) -> Result<Vec<Effect>, String> {
        self.state.open(view);
        self.state.set_filter(filter).map_err(|error| format!("--filter: {error}"))?;
        if self.state.list().is_none() && !filter.is_empty() {
            return Err("--filter: this page shows no list; --view streams does".into());
        }
        Ok(self.focus_effect().into_iter().collect())
    }

    /// Takes in what the connection learned.
    pub fn update(&mut self, update: Update) {
        self.state.update(update);
    }

    /// Time passed; true when the screen changes by that alone.
    pub fn tick(&mut self, now_ms: u64) -> bool {
        self.state.now_ms = now_ms;
        let second = now_ms / 1000;
        std::mem::replace(&mut self.second, second) != second
    }

    /// A key was pressed.
    pub fn key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        if event.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let mode = std::mem::take(&mut self.state.mode);
        let mut effects = match mode {
            Mode::Normal => self.command(event),
            Mode::Help => Vec::new(),
            Mode::Quit if event.code == KeyCode::Char('y') => vec![Effect::Quit],
            Mode::Quit => Vec::new(),
            Mode::Filter(edit, error) => self.filter_key(event, edit, error),
            Mode::Prompt(edit) => self.prompt_key(event, edit),
            Mode::Columns(at) => self.columns_key(event, at),
            Mode::Confirm(ask) => self.confirm_key(event, ask),
            Mode::Trying(trial) => self.trying_key(event, trial),
        };
        effects.extend(self.focus_effect());
        effects
    }

    /// A text was pasted: it is typed where typing is possible and never taken as keys.
    pub fn paste(&mut self, text: &str) {
        let clean = crate::clean::clean(text);
        let edit = match &mut self.state.mode {
            Mode::Filter(edit, _) | Mode::Prompt(edit) => edit,
            Mode::Confirm(ask) => &mut ask.edit,
            Mode::Normal | Mode::Columns(_) | Mode::Help | Mode::Quit | Mode::Trying(_) => return,
        };
        clean.chars().for_each(|c| edit.insert(c));
        if let Mode::Filter(edit, _) = &self.state.mode {
            let edit = edit.clone();
            self.filter_by(edit);
        }
    }

    /// Draws the whole screen.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if let Some(at) = view::render(frame.buffer_mut(), area, &self.state, self.theme) {
            frame.set_cursor_position(at);
        }
    }

    fn focus_effect(&mut self) -> Option<Effect> {
        let wanted = self.state.nav.view().focus();
        if wanted == self.focus {
            return None;
        }
        self.focus = wanted.clone();
        if self.state.held().is_some() && wanted != Focus::Overview {
            // A frozen screen cannot show what was never asked.
            self.state.toggle_freeze();
        }
        Some(Effect::Send(Request::Focus(wanted)))
    }

    fn command(&mut self, event: &KeyEvent) -> Vec<Effect> {
        match keymap::command(event, &self.state) {
            Some(command) => self.apply(view::intent(command, &self.state)),
            None => Vec::new(),
        }
    }

    fn apply(&mut self, intent: Intent) -> Vec<Effect> {
        let state = &mut self.state;
        match intent {
            Intent::None => {}
            Intent::Back => self.back(),
            Intent::Ask(ask) => state.mode = Mode::Confirm(ask),
            Intent::Copy(text) => {
                state.tell("copied to the terminal's clipboard");
                return vec![Effect::Copy(text)];
            }
            Intent::EditFilter => {
                let typed = state.list().map(|l| l.filter.typed()).unwrap_or_default();
                state.mode = Mode::Filter(Edit::of(typed), None);
            }
            Intent::Columns => state.mode = Mode::Columns(0),
            Intent::Forward if !state.nav.forward() => state.tell("no later page in the history"),
            Intent::Previous if !state.nav.back() => state.tell("no earlier page in the history"),
            Intent::Forward | Intent::Previous => {}
            Intent::Freeze => state.toggle_freeze(),
            Intent::Help => state.mode = Mode::Help,
            Intent::Last => state.nav.last(),
            Intent::Move(step) => state.go(step),
            Intent::Open(view) => state.open(view),
            Intent::Pane => state.pane = state.pane.next(),
            Intent::Prompt => state.mode = Mode::Prompt(Edit::default()),
            Intent::Quit if state.log.running() > 0 => state.mode = Mode::Quit,
            Intent::Quit => return vec![Effect::Quit],
            Intent::Redraw => return vec![Effect::Redraw],
            Intent::Refresh => return vec![Effect::Send(Request::Refresh)],
            Intent::Reverse => state.reverse(),
            Intent::Sort => state.next_order(),
            Intent::Swap(view) => state.swap(view),
            Intent::Tell(text) => state.tell(text),
            Intent::Try(wish, reason) => return self.attempt(wish, reason),
            Intent::Wide => state.toggle_wide(),
        }
        Vec::new()
    }

    fn back(&mut self) {
        let filtered = self.state.list().is_some_and(|l| !l.filter.is_empty());
        if filtered {
            self.no_filter();
        } else if !self.state.nav.back() && *self.state.nav.view() != View::Streams {
            self.state.open(View::Streams);
        }
    }

    fn act(&mut self, act: Act) -> Vec<Effect> {
        let id = self.state.begin(act.cli());
        self.state.tell(format!("sent: {}", act.cli()));
        vec![Effect::Send(Request::Act(id, act))]
    }

    fn attempt(&mut self, wish: Wish, reason: String) -> Vec<Effect> {
        let Some((id, once)) = self.state.begin_try(wish.title(), reason) else {
            self.state.tell("the system gives no random numbers; move money with `weir`");
            return Vec::new();
        };
        vec![Effect::Send(Request::Try(id, wish, once))]
    }

    fn trying_key(&mut self, event: &KeyEvent, trial: Box<Trial>) -> Vec<Effect> {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Esc => self.state.tell("nothing was done"),
            KeyCode::Char('c') if ctrl => self.state.tell("nothing was done"),
            _ => self.state.mode = Mode::Trying(trial),
        }
        Vec::new()
    }

    fn filter_key(
        &mut self,
        event: &KeyEvent,
        mut edit: Edit,
        error: Option<FilterError>,
    ) -> Vec<Effect> {
        match event.code {
            // What is not understood is not kept: the page would show all rows as if they fitted.
            KeyCode::Enter if error.is_some() => self.state.mode = Mode::Filter(edit, error),
            KeyCode::Enter => {}
            KeyCode::Esc => self.no_filter(),
            KeyCode::Tab => {
                let before = edit.before();
                let common = prompt::common(&prompt::complete_field(&before, &self.state));
                let begun = prompt::begun_field(&before).len();
                common.chars().skip(begun).for_each(|c| edit.insert(c));
                self.filter_by(edit);
            }
            _ => {
                if type_key(event, &mut edit) {
                    self.filter_by(edit);
                }
            }
        }
        Vec::new()
    }

    /// Filters by what is typed so far.
    fn filter_by(&mut self, edit: Edit) {
        let error = self.state.set_filter(&edit.text()).err();
        self.state.mode = Mode::Filter(edit, error);
    }

    fn no_filter(&mut self) {
        // Nothing typed is always understood.
        let _ = self.state.set_filter("");
    }

    fn columns_key(&mut self, event: &KeyEvent, at: usize) -> Vec<Effect> {
        let last = self.state.columns().len().saturating_sub(1);
        let at = match event.code {
            KeyCode::Char('j') | KeyCode::Down => (at + 1).min(last),
            KeyCode::Char('k') | KeyCode::Up => at.saturating_sub(1),
            KeyCode::Char(' ') => {
                if !self.state.toggle_column(at) {
                    self.state.tell("the first column names the row and stays");
                }
                at
            }
            KeyCode::Enter | KeyCode::Char('s') => {
                self.state.order_by(at);
                at
            }
            KeyCode::Char('w') => {
                self.state.toggle_wide();
                at
            }
            _ => return Vec::new(),
        };
        self.state.mode = Mode::Columns(at);
        Vec::new()
    }

    fn prompt_key(&mut self, event: &KeyEvent, mut edit: Edit) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Enter => {
                let line = edit.text();
                if !line.trim().is_empty() {
                    self.state.remember(line.clone());
                }
                let intent = prompt::parse(&line, &self.state).unwrap_or_else(Intent::Tell);
                return self.apply(intent);
            }
            KeyCode::Tab => {
                let typed = edit.text();
                let common = prompt::common(&prompt::complete(&typed, &self.state));
                if common.len() > typed.len() {
                    edit = Edit::of(&common);
                }
            }
            KeyCode::Up => edit = self.typed_before(-1),
            KeyCode::Down => edit = self.typed_before(1),
            _ => {
                if !type_key(event, &mut edit) {
                    return Vec::new();
                }
            }
        }
        self.state.mode = Mode::Prompt(edit);
        Vec::new()
    }

    fn typed_before(&mut self, by: isize) -> Edit {
        let state = &mut self.state;
        state.typed_at = state.typed_at.saturating_add_signed(by).min(state.typed.len());
        Edit::of(state.typed.get(state.typed_at).map_or("", String::as_str))
    }

    fn confirm_key(
        &mut self,
        event: &KeyEvent,
        mut ask: Box<crate::state::confirm::Confirm>,
    ) -> Vec<Effect> {
        match event.code {
            KeyCode::Esc => {
                self.state.tell("nothing was done");
                return Vec::new();
            }
            KeyCode::Enter => match ask.accept() {
                Some(Then::Act(act)) => return self.act(act),
                Some(Then::Try(wish)) => return self.attempt(wish, String::new()),
                None => {}
            },
            _ => {
                if !type_key(event, &mut ask.edit) {
                    self.state.tell("nothing was done");
                    return Vec::new();
                }
                ask.problem = None;
            }
        }
        self.state.mode = Mode::Confirm(ask);
        Vec::new()
    }
}

/// Edits a line; false when the key leaves it (ctrl-c, or backspace on an empty line).
fn type_key(event: &KeyEvent, edit: &mut Edit) -> bool {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('c') if ctrl => return false,
        KeyCode::Char('u') if ctrl => edit.delete_to_start(),
        KeyCode::Char('w') if ctrl => edit.delete_word(),
        KeyCode::Char('a') if ctrl => edit.home(),
        KeyCode::Char('e') if ctrl => edit.end(),
        KeyCode::Char(c) if !ctrl => edit.insert(c),
        KeyCode::Backspace if edit.is_empty() => return false,
        KeyCode::Backspace => {
            edit.backspace();
        }
        KeyCode::Delete => edit.delete(),
        KeyCode::Left => edit.go(-1),
        KeyCode::Right => edit.go(1),
        KeyCode::Home => edit.home(),
        KeyCode::End => edit.end(),
        _ => {}
    }
    true
}
