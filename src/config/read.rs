use std::time::Duration;

use regex::Regex;

use super::mistakes::Mistake;
use super::node::{Node, Table, Value};
use super::sources::{Place, Sources};
use crate::units::{Bytes, Percent, Rate, UnitError, parse_duration};
use crate::workload::Command;

/// Turns nodes into values with units, and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) sources: Sources,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn wrong(
        &mut self,
        code: &'static str,
        place: &Place,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.mistakes.push(Mistake { code, place: place.clone(), what: what.into(), help: help.into() });
    }

    /// Points out the keys that are not among `known`.
    pub(super) fn check_keys(&mut self, table: &Table, known: &[&str], of: &str) {
        for (key, _) in &table.entries {
            if known.contains(&key.name.as_str()) {
                continue;
            }
            let nearest = nearest(&key.name, known);
            let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let help = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? The keys of {of} are {list}"),
                None => format!("the keys of {of} are {list}"),
            };
            self.wrong("unknown-key", &key.place, format!("unknown key `{}` in {of}", key.name), help);
        }
    }

    fn wrong_kind(&mut self, node: &Node, wanted: &str, example: &str) {
        let what = format!("this is {}, and {wanted} is wanted", node.kind());
        self.wrong("wrong-type", &node.place, what, format!("write {example}"));
    }

    fn unit_error(&mut self, code: &'static str, place: &Place, error: UnitError) {
        self.wrong(code, place, error.what, error.help);
    }

    pub(super) fn text(&mut self, node: &Node, example: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_kind(node, "a text", example);
                None
            }
        }
    }

    pub(super) fn bool(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong_kind(node, "true or false", "true or false, without quotes");
                None
            }
        }
    }

    pub(super) fn table<'a>(&mut self, node: &'a Node, example: &str) -> Option<&'a Table> {
        match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong_kind(node, "a table", example);
                None
            }
        }
    }

    pub(super) fn whole(&mut self, node: &Node, least: i64, most: i64) -> Option<i64> {
        let example = format!("a whole number from {least} to {most}, without quotes");
        match node.value {
            Value::Integer(number) if (least..=most).contains(&number) => Some(number),
            Value::Integer(number) => {
                self.wrong(
                    "out-of-range",
                    &node.place,
                    format!("{number} is out of range"),
                    format!("write {example}"),
                );
                None
            }
            _ => {
                self.wrong_kind(node, "a whole number", &example);
                None
            }
        }
    }

    pub(super) fn bytes(&mut self, node: &Node) -> Option<Bytes> {
        const EXAMPLE: &str = "a number and a unit in quotes, such as \"512 MiB\" (MiB is 2^20 bytes, MB is 10^6)";
        let Value::Text(text) = &node.value else {
            self.wrong_kind(node, "an amount of memory", EXAMPLE);
            return None;
        };
        text.parse().map_err(|error| self.unit_error("wrong-size", &node.place, error)).ok()
    }

    pub(super) fn rate(&mut self, node: &Node) -> Option<Rate> {
        const EXAMPLE: &str = "an amount and a time in quotes, such as \"2 MiB/min\"";
        let Value::Text(text) = &node.value else {
            self.wrong_kind(node, "a growth", EXAMPLE);
            return None;
        };
        text.parse().map_err(|error| self.unit_error("wrong-rate", &node.place, error)).ok()
    }

    pub(super) fn duration(&mut self, node: &Node, least: Duration) -> Option<Duration> {
        const EXAMPLE: &str = "a number and a unit in quotes, such as \"10ms\", \"5s\", \"10m\" or \"2h\"";
        let Value::Text(text) = &node.value else {
            self.wrong_kind(node, "a duration", EXAMPLE);
            return None;
        };
        match parse_duration(text) {
            Ok(duration) if duration >= least => Some(duration),
            Ok(_) => {
                let least = crate::units::format_duration(least);
                self.wrong(
                    "out-of-range",
                    &node.place,
                    format!("`{text}` is too short"),
                    format!("the least is {least}"),
                );
                None
            }
            Err(error) => {
                self.unit_error("wrong-duration", &node.place, error);
                None
            }
        }
    }

    pub(super) fn percent(&mut self, node: &Node) -> Option<Percent> {
        match &node.value {
            Value::Integer(number) if *number >= 0 => Some(Percent(*number as f64)),
            Value::Float(number) if *number >= 0.0 && number.is_finite() => Some(Percent(*number)),
            Value::Text(text) => {
                text.parse().map_err(|error| self.unit_error("wrong-percent", &node.place, error)).ok()
            }
            _ => {
                self.wrong_kind(node, "a percentage", "\"5%\"");
                None
            }
        }
    }

    pub(super) fn regex(&mut self, node: &Node) -> Option<Regex> {
        let pattern = self.text(node, "a regular expression in single quotes, such as 'Loaded \\d+ rows'")?;
        match Regex::new(&pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                let what = format!("the regular expression does not compile: {reason}");
                let help = "write it in single quotes, so that back-slashes stand, and escape ( ) [ ] { } * + ? . | that \
                            are meant as themselves";
                self.wrong("bad-regex", &node.place, what, help);
                None
            }
        }
    }

    /// A string for the shell, or a list of words run without one.
    pub(super) fn command(&mut self, node: &Node) -> Option<Command> {
        const EXAMPLE: &str = "a line for the shell, or a list such as [\"python\", \"ingest.py\"]";
        let command = match &node.value {
            Value::Text(line) => Some(Command::Shell(line.clone())),
            Value::Array(words) => {
                let words: Vec<_> = words.iter().map_while(|word| self.text(word, "each word in quotes")).collect();
                Some(Command::Direct(words))
            }
            _ => {
                self.wrong_kind(node, "a command", EXAMPLE);
                return None;
            }
        };
        let is_empty = match &command {
            Some(Command::Shell(line)) => line.trim().is_empty(),
            Some(Command::Direct(words)) => words.first().is_none_or(|word| word.trim().is_empty()),
            None => false,
        };
        if is_empty {
            self.wrong("empty-command", &node.place, "the command is empty", format!("write {EXAMPLE}"));
            return None;
        }
        if let Some(Command::Direct(words)) = &command
            && words.iter().any(|word| word.contains('\0'))
        {
            self.wrong("empty-command", &node.place, "a command can't hold a NUL character", "take it out");
            return None;
        }
        command
    }

    /// One of a few names.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let text = self.text(node, &format!("one of {list}"))?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let help = match nearest(&text, &names) {
                Some(nearest) => format!("did you mean \"{nearest}\"? It is one of {list}"),
                None => format!("write one of {list}"),
            };
            self.wrong("unknown-value", &node.place, format!("`{text}` is not known here"), help);
        }
        found
    }
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let score = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    known
        .iter()
        .map(|known| (score(known), *known))
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| known)
}
