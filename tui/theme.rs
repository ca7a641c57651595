//! Looks: colours, symbols and borders by what the terminal can do.
//!
//! Colour only repeats what a word or symbol already says, so the plain theme loses nothing.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None: only bold, dim and reverse.
    Plain,
    /// The sixteen of every terminal.
    Sixteen,
    /// Any.
    True,
}

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Text,
    /// Less important.
    Dim,
    /// Names of things, key names.
    Accent,
    /// Column heads and section titles.
    Title,
    /// All is well.
    Ok,
    /// Viewers may notice.
    Warning,
    /// Viewers do notice.
    Bad,
    /// The line under the cursor.
    Selected,
    /// A line across the screen that must be seen.
    Banner,
}

/// The looks of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours.
    pub depth: Depth,
    /// Only ASCII for borders, graphs and symbols.
    pub ascii: bool,
}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Default)]
pub struct Terminal {
    /// `NO_COLOR` is set and not empty, or `--no-color`.
    pub no_color: bool,
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// The character set part of the locale, e.g. `en_US.UTF-8`; empty when unknown.
    pub locale: String,
    /// `--ascii`.
    pub ascii: bool,
}

impl Theme {
    /// The best looks this terminal can show.
    #[must_use]
    pub fn detect(terminal: &Terminal) -> Self {
        let depth = if terminal.no_color || terminal.term == "dumb" {
            Depth::Plain
        } else if matches!(terminal.colorterm.as_str(), "truecolor" | "24bit") {
            Depth::True
        } else {
            Depth::Sixteen
        };
        let locale = terminal.locale.to_ascii_lowercase();
        let narrow = !locale.is_empty() && !locale.contains("utf-8") && !locale.contains("utf8");
        let old = matches!(terminal.term.as_str(), "dumb" | "linux" | "vt100" | "vt220");
        Self { depth, ascii: terminal.ascii || narrow || old }
    }

    /// No colour, full symbols: for tests and files.
    #[must_use]
    pub const fn plain() -> Self {
        Self { depth: Depth::Plain, ascii: false }
    }

    /// The style of a tone.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        let base = Style::new();
        let shaped = match tone {
            Tone::Text | Tone::Ok => base,
            Tone::Dim => base.add_modifier(Modifier::DIM),
            Tone::Accent | Tone::Title | Tone::Warning | Tone::Bad => {
                base.add_modifier(Modifier::BOLD)
            }
            Tone::Selected | Tone::Banner => base.add_modifier(Modifier::REVERSED),
        };
        match self.depth {
            Depth::Plain => shaped,
            Depth::Sixteen => sixteen(tone, shaped),
            Depth::True => truecolour(tone, shaped),
        }
    }

    /// Border characters.
    #[must_use]
    pub const fn border(&self) -> border::Set<'static> {
        if self.ascii { ASCII_BORDER } else { border::PLAIN }
    }

    /// The symbol, or its ASCII stand-in.
    #[must_use]
    pub const fn symbol(&self, full: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { full }
    }
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

fn sixteen(tone: Tone, shaped: Style) -> Style {
    match tone {
        Tone::Text | Tone::Selected => shaped,
        Tone::Dim => Style::new().fg(Color::DarkGray),
        Tone::Accent | Tone::Title => shaped.fg(Color::Cyan),
        Tone::Ok => shaped.fg(Color::Green),
        Tone::Warning => shaped.fg(Color::Yellow),
        Tone::Bad => shaped.fg(Color::Red),
        Tone::Banner => Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

fn truecolour(tone: Tone, shaped: Style) -> Style {
    let rgb = Color::Rgb;
    match tone {
        Tone::Text => shaped,
        Tone::Dim => Style::new().fg(rgb(127, 140, 155)),
        Tone::Accent => shaped.fg(rgb(97, 195, 217)),
        Tone::Title => shaped.fg(rgb(138, 164, 255)),
        Tone::Ok => shaped.fg(rgb(115, 201, 122)),
        Tone::Warning => shaped.fg(rgb(232, 179, 57)),
        Tone::Bad => shaped.fg(rgb(242, 96, 96)),
        Tone::Selected => Style::new().bg(rgb(43, 58, 84)).add_modifier(Modifier::BOLD),
        Tone::Banner => {
            Style::new().fg(rgb(255, 255, 255)).bg(rgb(170, 40, 50)).add_modifier(Modifier::BOLD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(term: &str, colorterm: &str) -> Terminal {
        Terminal { term: term.into(), colorterm: colorterm.into(), ..Terminal::default() }
    }

    #[test]
    fn colours_follow_what_the_terminal_says() {
        assert_eq!(Theme::detect(&terminal("xterm", "truecolor")).depth, Depth::True);
        assert_eq!(Theme::detect(&terminal("xterm", "")).depth, Depth::Sixteen);
        assert_eq!(Theme::detect(&terminal("dumb", "truecolor")).depth, Depth::Plain);
    }

    #[test]
    fn no_color_wins_over_everything() {
        let asked = Terminal { no_color: true, ..terminal("xterm", "truecolor") };
        let theme = Theme::detect(&asked);
        assert_eq!(theme.depth, Depth::Plain);
        for tone in [Tone::Dim, Tone::Bad, Tone::Banner, Tone::Selected] {
            assert_eq!((theme.style(tone).fg, theme.style(tone).bg), (None, None));
        }
    }

    #[test]
    fn a_locale_without_utf_8_gets_ascii() {
        let old = Terminal { locale: "en_US.ISO-8859-1".into(), ..terminal("xterm", "") };
        assert!(Theme::detect(&old).ascii);
        let new = Terminal { locale: "C.UTF-8".into(), ..terminal("xterm", "") };
        assert!(!Theme::detect(&new).ascii);
    }
}
