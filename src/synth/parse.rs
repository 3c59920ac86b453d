use std::str::FromStr;
use std::time::Duration;

use super::script::{Script, ScriptError, Statement};
use crate::units::{Bytes, parse_duration};

/// Deeper than anyone means, shallower than the stack.
const DEEPEST: usize = 32;
const MANUAL: &str = "`memguard synth --help` shows how it is written";

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut parser = Parser { words: words(text)?, next: 0, end: text.chars().count() + 1, depth: 0 };
        let statements = parser.statements(false)?;
        Ok(Self { statements })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Word(String),
    Quoted(String),
    Open,
    Close,
    End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    kind: Kind,
    column: usize,
}

fn wrong(column: usize, what: impl Into<String>, help: impl Into<String>) -> ScriptError {
    ScriptError { what: what.into(), help: help.into(), column }
}

fn words(text: &str) -> Result<Vec<Word>, ScriptError> {
    let mut words = Vec::new();
    let mut chars = (1..).zip(text.chars()).peekable();
    while let Some((column, c)) = chars.next() {
        let kind = match c {
            ';' | '\n' => Kind::End,
            '{' => Kind::Open,
            '}' => Kind::Close,
            '#' => {
                while chars.next_if(|(_, c)| *c != '\n').is_some() {}
                continue;
            }
            '"' => {
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, c)) => quoted.push(c),
                        None => return Err(wrong(column, "a text does not end", "close it with a quotation mark")),
                    }
                }
                Kind::Quoted(quoted)
            }
            c if c.is_whitespace() => continue,
            c => {
                let mut word = String::from(c);
                let inside = |c: char| !c.is_whitespace() && !matches!(c, ';' | '{' | '}' | '"' | '#');
                while let Some((_, c)) = chars.next_if(|(_, c)| inside(*c)) {
                    word.push(c);
                }
                Kind::Word(word)
            }
        };
        words.push(Word { kind, column });
    }
    Ok(words)
}

struct Parser {
    words: Vec<Word>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn statements(&mut self, inside: bool) -> Result<Vec<Statement>, ScriptError> {
        let mut statements = Vec::new();
        loop {
            let Some(word) = self.words.get(self.next).cloned() else {
                return if inside { Err(wrong(self.end, "a `{` is not closed", "add `}`")) } else { Ok(statements) };
            };
            self.next += 1;
            match word.kind {
                Kind::End => {}
                Kind::Close if inside => return Ok(statements),
                Kind::Word(name) => {
                    statements.push(self.statement(&name, word.column)?);
                    self.ends(&name)?;
                }
                Kind::Close | Kind::Open | Kind::Quoted(_) => {
                    let help = "begin it with a word, such as `hold 2s`";
                    return Err(wrong(word.column, "a statement is wanted here", help));
                }
            }
        }
    }

    fn statement(&mut self, name: &str, column: usize) -> Result<Statement, ScriptError> {
        Ok(match name {
            "ramp" | "grow" => Statement::Ramp { size: self.size(name)?, time: self.optional_time(name)? },
            "hold" => Statement::Hold(self.time(name)?),
            "spike" => Statement::Spike { size: self.size(name)?, time: self.time(name)? },
            "drop" if self.peek_word() == Some("all") => {
                self.next += 1;
                Statement::Drop(None)
            }
            "drop" => Statement::Drop(Some(self.size(name)?)),
            "fork" => {
                Statement::Fork { count: self.number(name, 1000)?, size: self.size(name)?, time: self.time(name)? }
            }
            "join" => Statement::Join,
            "log" => Statement::Log(self.quoted(name)?),
            "err" => Statement::Err(self.quoted(name)?),
            "repeat" => Statement::Repeat { count: self.number(name, 1_000_000)?, body: self.block(name)? },
            "exit" => Statement::Exit(u8::try_from(self.number(name, 255)?).unwrap_or(u8::MAX)),
            _ => {
                let what = format!("there is no statement `{name}`");
                return Err(wrong(column, what, "`memguard synth --help` lists them"));
            }
        })
    }

    fn block(&mut self, name: &str) -> Result<Vec<Statement>, ScriptError> {
        let column = self.column();
        if self.depth == DEEPEST {
            let help = "write fewer `repeat`s inside one another";
            return Err(wrong(column, "blocks are nested too deeply", help));
        }
        match self.words.get(self.next).map(|word| &word.kind) {
            Some(Kind::Open) => self.next += 1,
            _ => return Err(wrong(column, format!("`{name}` wants a block"), "write repeat 10 { … }")),
        }
        self.depth += 1;
        let body = self.statements(true);
        self.depth -= 1;
        body
    }

    /// Nothing more stands in the statement. A block ends its own.
    fn ends(&self, name: &str) -> Result<(), ScriptError> {
        match self.words.get(self.next).map(|word| &word.kind) {
            None | Some(Kind::End | Kind::Close) => Ok(()),
            Some(_) if name == "repeat" => Ok(()),
            Some(_) => {
                let what = format!("`{name}` takes no more than that");
                Err(wrong(self.column(), what, "separate statements with `;`"))
            }
        }
    }

    fn column(&self) -> usize {
        self.words.get(self.next).map_or(self.end, |word| word.column)
    }

    fn peek_word(&self) -> Option<&str> {
        match &self.words.get(self.next)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn word(&mut self, name: &str, wanted: &str) -> Result<(String, usize), ScriptError> {
        let column = self.column();
        let Some(word) = self.peek_word().map(str::to_owned) else {
            return Err(wrong(column, format!("`{name}` wants {wanted} here"), MANUAL));
        };
        self.next += 1;
        Ok((word, column))
    }

    /// `200 MiB` is two words, `200MiB` one.
    fn amount(&mut self, name: &str, wanted: &str) -> Result<(String, usize), ScriptError> {
        let (mut word, column) = self.word(name, wanted)?;
        let is_unit = |next: &&str| next.chars().all(char::is_alphabetic);
        if word.chars().all(|c| c.is_ascii_digit() || c == '.')
            && let Some(unit) = self.peek_word().filter(is_unit).map(str::to_owned)
        {
            self.next += 1;
            word += &unit;
        }
        Ok((word, column))
    }

    fn size(&mut self, name: &str) -> Result<Bytes, ScriptError> {
        let (word, column) = self.amount(name, "an amount of memory")?;
        word.parse().map_err(|error: crate::units::UnitError| wrong(column, error.what, error.help))
    }

    fn time(&mut self, name: &str) -> Result<Duration, ScriptError> {
        let (word, column) = self.amount(name, "a time")?;
        parse_duration(&word).map_err(|error| wrong(column, error.what, error.help))
    }

    fn optional_time(&mut self, name: &str) -> Result<Duration, ScriptError> {
        if self.peek_word().is_some() { self.time(name) } else { Ok(Duration::ZERO) }
    }

    fn number(&mut self, name: &str, most: u32) -> Result<u32, ScriptError> {
        let (word, column) = self.word(name, "a number")?;
        word.parse().ok().filter(|number| *number <= most).ok_or_else(|| {
            let what = format!("`{word}` is no number that `{name}` takes");
            wrong(column, what, format!("write a whole number up to {most}"))
        })
    }

    fn quoted(&mut self, name: &str) -> Result<String, ScriptError> {
        let column = self.column();
        match self.words.get(self.next).map(|word| word.kind.clone()) {
            Some(Kind::Quoted(text)) => {
                self.next += 1;
                Ok(text)
            }
            _ => Err(wrong(column, format!("`{name}` wants a text here"), "write it in quotation marks")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_statements_of_the_grammar_are_read() {
        let script: Script =
            "ramp 200MiB 1s; hold 2s # why\n grow 50 MiB 5 s; spike 1GiB 5ms; drop all; drop 3MiB; ramp 1MiB; \
            fork 4 100 MiB 1 s; join; log \"a; {round} # b\"; err \"c\"; repeat 2 { log \"x\" } exit 3"
                .parse()
                .unwrap();
        assert_eq!(script.statements.len(), 13);
        assert_eq!(script.statements[0], Statement::Ramp { size: Bytes::from_mib(200), time: Duration::from_secs(1) });
        let fork = Statement::Fork { count: 4, size: Bytes::from_mib(100), time: Duration::from_secs(1) };
        assert_eq!(script.statements[7], fork);
        assert_eq!(script.statements[9], Statement::Log("a; {round} # b".into()));
        assert_eq!(script.statements[12], Statement::Exit(3));
        assert!(crate::synth::DEMO.parse::<Script>().is_ok());
    }

    #[test]
    fn every_statement_of_the_grammar_is_known() {
        for line in crate::synth::GRAMMAR.lines().skip(1) {
            let name = line.split_whitespace().next().unwrap();
            let error = name.parse::<Script>().err().map(|error| error.what).unwrap_or_default();
            assert!(!error.contains("no statement"), "{name}");
        }
    }

    #[test]
    fn a_mistake_says_where_and_what_would_be_right() {
        for (text, column, what, help) in [
            ("hold", 5, "`hold` wants a time here", "--help"),
            ("ramp 5 1s", 6, "has no unit", "512 MiB"),
            ("hold 2s; rampp 1MiB", 10, "no statement `rampp`", "--help"),
            ("log hello", 5, "wants a text", "quotation"),
            ("log \"hello", 5, "does not end", "quotation"),
            ("repeat 3 { hold 1s", 19, "not closed", "}"),
            ("exit 256", 6, "`256` is no number", "255"),
            ("hold 1s 2s", 9, "takes no more", ";"),
            ("fork 1001 1MiB 1s", 6, "`1001` is no number", "1000"),
        ] {
            let error = text.parse::<Script>().expect_err(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.what.contains(what) && error.help.contains(help), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_script_makes_the_parser_panic(
            text in ".*", words in prop::collection::vec("ramp|hold|repeat|\\{|\\}|;|1s|5MiB|\"a\"|fork", 0..20)
        ) {
            let _ = text.parse::<Script>();
            let _ = words.join(" ").parse::<Script>();
        }
    }
}
