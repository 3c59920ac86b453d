//! Secrets are taken out of a text before it is stored.

use std::borrow::Cow;

use regex::Regex;

use super::model::RunRecord;

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";
/// Of a line that was cut, the end is not stored: a secret that the cut went through would not be recognised. So it
/// holds for secrets of up to 1 KiB.
pub(super) const MARGIN: usize = 1024;

/// Takes out of every text that is stored what one of its patterns matches: log lines, command lines, notices, facts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    patterns: Vec<Regex>,
}

impl Redactor {
    /// One that looks for these. None of them should match the empty text.
    #[must_use]
    pub fn new(patterns: Vec<Regex>) -> Self {
        Self { patterns }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The text with `[redacted]` for every match, borrowed where there is none.
    pub(super) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for pattern in &self.patterns {
            // Not a template: `$1` in it would bring back what was matched.
            if let Cow::Owned(redacted) = pattern.replace_all(&text, regex::NoExpand(REDACTED)) {
                text = Cow::Owned(redacted);
            }
        }
        text
    }

    /// The beginning of a text from which `cut` bytes were left out, as it may be stored.
    pub(super) fn apply_to_cut(&self, text: &str, cut: u64) -> String {
        let redacted = self.apply(text);
        let kept = redacted.floor_char_boundary(redacted.len().saturating_sub(MARGIN));
        let cut = cut + (redacted.len() - kept) as u64;
        format!("{} … ({cut} bytes more)", &redacted[..kept])
    }

    /// The record as it may be stored.
    pub(super) fn record(&self, record: &RunRecord) -> RunRecord {
        let mut stored = record.clone();
        let texts = stored.notices.iter_mut().chain(stored.environment.facts.values_mut());
        for text in texts.chain([&mut stored.command]) {
            if let Cow::Owned(redacted) = self.apply(text) {
                *text = redacted;
            }
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::run_json::tests::record;
    use proptest::prelude::*;

    fn redactor(patterns: &[&str]) -> Redactor {
        Redactor::new(patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect())
    }

    #[test]
    fn every_match_of_every_pattern_is_taken_out() {
        let redactor = redactor(&["token=[a-z]+", r"(\d{4}) (\d{4})"]);
        assert_eq!(redactor.apply("a token=abc b token=xyz 1234 5678 $1"), "a [redacted] b [redacted] [redacted] $1");
        assert!(matches!(redactor.apply("nothing"), Cow::Borrowed("nothing")));
    }

    #[test]
    fn a_secret_that_a_cut_goes_through_is_not_stored() {
        let redactor = redactor(&["key-[a-z]{40}"]);
        let line = format!("{}key-{}", "x".repeat(8000), "s".repeat(20));
        let stored = redactor.apply_to_cut(&line, 100);
        assert!(!stored.contains("key") && stored.ends_with("x … (1124 bytes more)"), "{stored}");
    }

    #[test]
    fn commands_notices_and_facts_are_redacted() {
        let mut run = record();
        run.command = "server --token hunter2".to_owned();
        run.notices = vec!["could not start `hunter2`".to_owned()];
        run.environment.facts.insert("MALLOC_CONF".to_owned(), "hunter2".to_owned());
        let stored = format!("{:?}", redactor(&["hunter\\d"]).record(&run));
        assert!(!stored.contains("hunter") && stored.contains("server --token [redacted]"), "{stored}");
    }

    proptest! {
        #[test]
        fn no_secret_is_left(before in "[a-z ]{0,9}", secret in "[0-9]{4,6}", after in "[a-z ]{0,9}") {
            let text = format!("{before}{secret}{after}");
            let redactor = redactor(&["[0-9]{4,6}"]);
            prop_assert_eq!(redactor.apply(&text), format!("{before}[redacted]{after}"));
        }
    }
}
