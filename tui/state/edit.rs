//! One line of typed text with a cursor.

use weir_model::limits::TEXT_CHARS_MAX;

/// The text and where the next character goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    chars: Vec<char>,
    at: usize,
}

impl Edit {
    /// A line that holds `text` already, the cursor behind it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().take(TEXT_CHARS_MAX).collect();
        Self { at: chars.len(), chars }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// Whether nothing was typed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The text left of the cursor.
    #[must_use]
    pub fn before(&self) -> String {
        self.chars.iter().take(self.at).collect()
    }

    /// Types a character; controls and text beyond the limit are ignored.
    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.chars.len() < TEXT_CHARS_MAX {
            self.chars.insert(self.at, c);
            self.at += 1;
        }
    }

    /// Removes the character left of the cursor; false when there is none.
    pub fn backspace(&mut self) -> bool {
        if self.at == 0 {
            return false;
        }
        self.at -= 1;
        self.chars.remove(self.at);
        true
    }

    /// Removes the character under the cursor.
    pub fn delete(&mut self) {
        if self.at < self.chars.len() {
            self.chars.remove(self.at);
        }
    }

    /// Removes the word left of the cursor.
    pub fn delete_word(&mut self) {
        while self.before().ends_with(' ') && self.backspace() {}
        while self.at > 0 && !self.before().ends_with(' ') && self.backspace() {}
    }

    /// Removes everything left of the cursor.
    pub fn delete_to_start(&mut self) {
        self.chars.drain(..self.at);
        self.at = 0;
    }

    /// Moves the cursor.
    pub fn go(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.chars.len());
    }

    /// Moves the cursor to the first place.
    pub const fn home(&mut self) {
        self.at = 0;
    }

    /// Moves the cursor behind the last character.
    pub const fn end(&mut self) {
        self.at = self.chars.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_happens_at_the_cursor() {
        let mut edit = Edit::of("ac");
        edit.go(-1);
        edit.insert('b');
        edit.insert('\u{7}');
        assert_eq!((edit.text(), edit.before()), ("abc".into(), "ab".into()));
        edit.home();
        edit.delete();
        assert!(!edit.backspace());
        assert_eq!(edit.text(), "bc");
    }

    #[test]
    fn a_word_goes_with_the_spaces_behind_it() {
        let mut edit = Edit::of("stream kick  ");
        edit.delete_word();
        assert_eq!(edit.text(), "stream ");
        edit.delete_word();
        edit.delete_word();
        assert!(edit.is_empty());
    }

    #[test]
    fn text_is_bounded() {
        let mut edit = Edit::of(&"x".repeat(1000));
        edit.insert('y');
        assert_eq!(edit.text().len(), TEXT_CHARS_MAX);
    }
}
