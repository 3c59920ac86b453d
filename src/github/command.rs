//! Annotations: findings on the line of the config that set the limit.

use std::path::PathBuf;

/// What GitHub shows of one step and type: ten. One is kept for the rest.
const MOST: usize = 9;
/// GitHub cuts longer messages.
const LONGEST: usize = 4_000;

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It failed.
    Error,
    /// It did not.
    Warning,
    /// It is only told.
    Notice,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How grave.
    pub severity: Severity,
    /// The file and the line (1 for the first) that it belongs to.
    pub place: Option<(PathBuf, usize)>,
    /// A few words.
    pub title: String,
    /// The rest.
    pub message: String,
}

/// The commands for a runner, the gravest first; what GitHub would not show is counted.
#[must_use]
pub fn annotations(found: &[Annotation]) -> String {
    let mut out = String::new();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Notice, "notice")] {
        let of: Vec<&Annotation> = found.iter().filter(|annotation| annotation.severity == severity).collect();
        for annotation in of.iter().take(MOST) {
            out += &command(word, annotation);
        }
        if of.len() > MOST {
            out += &format!("::{word} title=memguard::and {} more, see the job's summary\n", of.len() - MOST);
        }
    }
    out
}

fn command(word: &str, annotation: &Annotation) -> String {
    let place = annotation.place.as_ref().map_or_else(String::new, |(file, line)| {
        format!("file={},line={line},", property(&file.display().to_string()))
    });
    let message: String = annotation.message.chars().take(LONGEST).collect();
    format!("::{word} {place}title={}::{}\n", property(&annotation.title), data(&message))
}

/// As the runner decodes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(severity: Severity, message: &str) -> Annotation {
        let place = Some((PathBuf::from("memguard.toml"), 7));
        Annotation { severity, place, title: "a: peak, 1%".into(), message: message.into() }
    }

    #[test]
    fn a_finding_is_one_command_whatever_its_text() {
        let text = annotations(&[annotation(Severity::Error, "one\n::error::two")]);
        assert_eq!(text, "::error file=memguard.toml,line=7,title=a%3A peak%2C 1%25::one%0A::error::two\n");
    }

    #[test]
    fn what_would_not_be_shown_is_counted() {
        let mut found = vec![annotation(Severity::Warning, "w")];
        found.extend((0..12).map(|_| annotation(Severity::Error, "e")));
        let text = annotations(&found);
        assert_eq!(text.lines().count(), 11);
        assert!(text.lines().nth(9).unwrap().ends_with("::and 3 more, see the job's summary"), "{text}");
    }
}
