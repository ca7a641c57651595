//! The filter of a list: a piece of text that rows must have, or with `!` must not have.

/// What rows must match. The empty filter lets all pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    needle: String,
    inverse: bool,
}

impl Filter {
    /// Reads what was typed after `/`.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let (inverse, needle) = match typed.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, typed),
        };
        Self { needle: needle.trim().to_lowercase(), inverse }
    }

    /// Whether it hides nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Whether a row with this text stays.
    #[must_use]
    pub fn keeps(&self, text: &str) -> bool {
        self.is_empty() || text.to_lowercase().contains(&self.needle) != self.inverse
    }

    /// As typed.
    #[must_use]
    pub fn typed(&self) -> String {
        format!("{}{}", if self.inverse { "!" } else { "" }, self.needle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_keeps_rows_that_have_it_in_any_case() {
        let filter = Filter::parse("DeMo");
        assert!(filter.keeps("my demo 1"));
        assert!(!filter.keeps("other"));
    }

    #[test]
    fn an_exclamation_mark_turns_it_round() {
        let filter = Filter::parse("!demo");
        assert!(!filter.keeps("demo"));
        assert!(filter.keeps("other"));
        assert_eq!(filter.typed(), "!demo");
    }

    #[test]
    fn nothing_typed_hides_nothing() {
        assert!(Filter::parse("").keeps("x"));
        assert!(Filter::parse("!").keeps("x"));
    }
}
