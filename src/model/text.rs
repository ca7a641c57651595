//! Free text that operators give: titles, labels, reasons. One line, so that a table stays a table.

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
