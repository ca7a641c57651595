//! Free text that people give: titles, labels, reasons. One line, so that a table stays a table, and nothing that hides.

use crate::limits::TEXT_CHARS_MAX;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {what} must be one line of at most {TEXT_CHARS_MAX} characters without control characters"
)]
pub struct InvalidText {
    /// Which text.
    pub what: &'static str,
}

/// Checks that `text` is one short line and cuts the blanks around it.
///
/// # Errors
/// When it is too long or holds control characters (line breaks and terminal escapes among them).
pub fn one_line(what: &'static str, text: &str) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(InvalidText { what });
    }
    Ok(text.to_owned())
}

/// Characters that change direction, hide, or break lines without being controls.
#[must_use]
pub const fn is_hidden(one: char) -> bool {
    matches!(one,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{115f}' | '\u{1160}'
        | '\u{3164}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_line_passes_without_the_blanks_around_it() {
        assert_eq!(one_line("title", "  Grüße aus der Küche "), Ok("Grüße aus der Küche".into()));
        assert_eq!(one_line("title", &"é".repeat(200)).unwrap().chars().count(), 200);
    }

    #[test]
    fn what_could_break_a_table_or_a_terminal_is_refused() {
        for text in ["a\nb", "\u{1b}[31mred", &"x".repeat(201)] {
            assert_eq!(one_line("title", text), Err(InvalidText { what: "title" }), "{text:?}");
        }
    }
}
