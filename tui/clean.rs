//! Makes text of strangers inert before it reaches the state.
//!
//! Encoder names, player names and titles come from the network. A terminal obeys control characters, and people are
//! fooled by text that runs backwards or hides. Cleaning happens once, on the way in, so that no view can forget it.

use ratatui::text::Span;
use weir_model::text::is_hidden;

/// Longest text kept: a few lines of a wide terminal; what is cut ends in an ellipsis.
pub const TEXT_KEPT_CHARS: usize = 400;

/// Marks per base character: real languages stack two or three, more only paints over other lines.
const MARKS_MAX: usize = 3;

/// One line that a terminal prints as it stands: no control, no direction override, nothing invisible.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(TEXT_KEPT_CHARS));
    let mut marks = 0;
    for (count, c) in text.chars().enumerate() {
        if count == TEXT_KEPT_CHARS {
            kept.push('…');
            break;
        }
        if matches!(c, '\n' | '\r' | '\t') {
            kept.push(' ');
        } else if c.is_control() || is_hidden(c) {
            kept.push('?');
        } else if c.is_ascii() || !is_mark(c) {
            marks = 0;
            kept.push(c);
        } else if !kept.is_empty() && marks < MARKS_MAX {
            marks += 1;
            kept.push(c);
        }
    }
    kept
}

/// Cleans in place.
pub fn clean_in(text: &mut String) {
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !plain || text.len() > TEXT_KEPT_CHARS {
        *text = clean(text);
    }
}

/// Characters that take no room of their own.
fn is_mark(c: char) -> bool {
    Span::raw(c.encode_utf8(&mut [0; 4]) as &str).width() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(clean("\x1b[2J\x1b]0;owned\x07"), "?[2J?]0;owned?");
        assert_eq!(clean("\u{9b}31m"), "?31m");
    }

    #[test]
    fn lines_and_tabs_become_spaces() {
        assert_eq!(clean("a\r\nb\tc"), "a  b c");
    }

    #[test]
    fn direction_overrides_and_invisible_characters_are_shown_as_question_marks() {
        for c in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{200b}', '\u{feff}', '\u{e0041}', '\u{0}']
        {
            assert_eq!(clean(&format!("a{c}b")), "a?b", "{c:?}");
        }
    }

    #[test]
    fn stacked_marks_are_cut_to_what_languages_need() {
        let tower = format!("o{}", "\u{301}".repeat(50));
        assert_eq!(clean(&tower).chars().count(), 1 + MARKS_MAX);
        assert_eq!(clean("\u{301}a"), "a");
    }

    #[test]
    fn honest_text_of_any_language_stays() {
        for text in ["OBS 30.1 (Linux)", "Żółw", "配信", "ครับ", "🎥"] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn long_text_is_cut() {
        let mut text = "x".repeat(10_000);
        clean_in(&mut text);
        assert_eq!(text.chars().count(), TEXT_KEPT_CHARS + 1);
    }
}
