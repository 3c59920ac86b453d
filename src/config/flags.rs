use toml::de::DeTable;

use super::node::{Key, Node, Table, Value};
use super::read::Reader;
use crate::cli::{JudgeFlags, RunFlags};

/// The flags as one more layer of settings: from there on there is one way to read, to check and to complain.
pub(super) struct FlagTable<'a> {
    reader: &'a mut Reader,
    table: Table,
}

impl<'a> FlagTable<'a> {
    pub(super) fn new(reader: &'a mut Reader) -> Self {
        Self { reader, table: Table::default() }
    }

    pub(super) fn finish(self) -> Table {
        self.table
    }

    pub(super) fn judging(&mut self, flags: &JudgeFlags) {
        self.text("budget.peak", "--peak", flags.peak.as_deref());
        self.text("budget.startup", "--startup", flags.startup.as_deref());
        self.text("budget.retained", "--retained", flags.retained.as_deref());
        self.text("budget.growth", "--growth", flags.growth.as_deref());
        self.tolerance("peak", "--max-peak-increase", flags.max_peak_increase.as_deref());
        self.tolerance("startup", "--max-startup-increase", flags.max_startup_increase.as_deref());
        self.tolerance("retained", "--max-retained-increase", flags.max_retained_increase.as_deref());
        self.tolerance("growth", "--max-growth-increase", flags.max_growth_increase.as_deref());
        self.text("ready.log", "--ready-log", flags.ready_log.as_deref());
        self.text("ready.after", "--ready-after", flags.ready_after.as_deref());
        self.text("level", "--level", flags.level.as_deref());
        self.phases(&flags.phase);
    }

    pub(super) fn running(&mut self, flags: &RunFlags) {
        self.number("runs", "--runs", flags.runs);
        self.text("interval", "--interval", flags.interval.as_deref());
        self.text("metric", "--metric", flags.metric.as_deref());
        self.text("source", "--source", flags.source.as_deref());
        self.number("ready.port", "--ready-port", flags.ready_port);
        self.text("ready.file", "--ready-file", flags.ready_file.as_deref());
        self.text("ready.command", "--ready-command", flags.ready_command.as_deref());
        self.text("ready.within", "--ready-within", flags.ready_within.as_deref());
        self.text("drive", "--drive", flags.drive.as_deref());
        self.text("before", "--before", flags.before.as_deref());
        self.text("cwd", "--cwd", flags.cwd.as_deref());
        self.text("timeout", "--timeout", flags.timeout.as_deref());
        self.text("abort_above", "--abort-above", flags.abort_above.as_deref());
        self.text("stop.signal", "--stop-signal", flags.stop_signal.as_deref());
        self.text("stop.grace", "--stop-grace", flags.stop_grace.as_deref());
        self.logs("--log-file", &flags.log_file);
        let patterns = flags.redact.iter().map(|text| self.node("--redact", text, 0, Value::Text(text.clone())));
        let patterns = patterns.collect();
        self.list("redact", patterns);
        for pair in &flags.env {
            match pair.split_once('=') {
                Some((name, value)) => {
                    let node = self.node("--env", pair, pair.len() - value.len(), Value::Text(value.to_owned()));
                    let mut entry = node.clone();
                    entry.value = Value::Text(name.to_owned());
                    self.insert(&["env", name], node);
                }
                None => {
                    let node = self.node("--env", pair, 0, Value::Bool(true));
                    let what = format!("`{pair}` sets no variable");
                    self.reader.wrong("bad-env", &node.place, what, "write NAME=VALUE");
                }
            }
        }
    }

    /// A command's words, given after `--`.
    pub(super) fn line(&mut self, words: &[String]) {
        let place = self.reader.sources.add("the command after `--`", words.join(" "), false);
        let words = words.iter().map(|word| Node { place: place.clone(), value: Value::Text(word.clone()) }).collect();
        self.insert(&["run"], Node { place, value: Value::Array(words) });
    }

    fn text(&mut self, path: &str, flag: &str, text: Option<&str>) {
        if let Some(text) = text {
            let node = self.node(flag, text, 0, Value::Text(text.to_owned()));
            self.insert(&path.split('.').collect::<Vec<_>>(), node);
        }
    }

    fn number(&mut self, path: &str, flag: &str, number: Option<i64>) {
        if let Some(number) = number {
            let node = self.node(flag, &number.to_string(), 0, Value::Integer(number));
            self.insert(&path.split('.').collect::<Vec<_>>(), node);
        }
    }

    /// `5%` or `5%,4MiB`.
    fn tolerance(&mut self, measure: &str, flag: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        let node = match text.split_once(',') {
            None => self.node(flag, text, 0, Value::Text(text.to_owned())),
            Some((percent, at_least)) => {
                let whole = self.node(flag, text, 0, Value::Bool(true));
                let begin = whole.place.span.start;
                let part = |text: &str, from: usize| Node {
                    place: whole.place.part(begin + from..begin + from + text.len()),
                    value: Value::Text(text.to_owned()),
                };
                let entries = vec![
                    (Key { name: "percent".into(), place: whole.place.clone() }, part(percent, 0)),
                    (Key { name: "at_least".into(), place: whole.place.clone() }, part(at_least, percent.len() + 1)),
                ];
                Node { place: whole.place.clone(), value: Value::Table(Table { entries }) }
            }
        };
        self.insert(&["regression", measure], node);
    }

    /// Each is the inside of an inline table, or the table itself.
    fn phases(&mut self, phases: &[String]) {
        const HELP: &str = "write it as in TOML, such as --phase 'name = \"load\", until = { log = \"Loaded\" }'";
        let nodes = phases.iter().filter_map(|text| self.inline_table("--phase", text, HELP)).collect();
        self.list("phase", nodes);
    }

    /// Each is a path, or a table in braces.
    pub(super) fn logs(&mut self, flag: &'static str, logs: &[String]) {
        const HELP: &str = "write a path, or a table as in TOML, such as '{ path = \"app.log\", time = \"%s\" }'";
        let node = |text: &String| {
            if text.trim_start().starts_with('{') {
                return self.inline_table(flag, text, HELP);
            }
            Some(self.node(flag, text, 0, Value::Text(text.clone())))
        };
        let nodes = logs.iter().filter_map(node).collect();
        self.list("logs", nodes);
    }

    fn inline_table(&mut self, flag: &'static str, text: &str, help: &str) -> Option<Node> {
        let body = text.trim();
        let body = body.strip_prefix('{').and_then(|body| body.strip_suffix('}')).unwrap_or(body);
        // The parser's spans count from the text that it was given: what stands before it is kept the same length.
        let document = format!("{} = {{ {body} }}", flag.trim_start_matches('-'));
        let place = self.reader.sources.add(flag, &document, false);
        match DeTable::parse(&document) {
            Ok(table) => Table::from_toml(table.get_ref(), &place).entries.pop().map(|(_, node)| node),
            Err(error) => {
                let place = error.span().map_or_else(|| place.clone(), |span| place.part(span));
                self.reader.wrong("bad-toml", &place, error.message().to_owned(), help);
                None
            }
        }
    }

    fn list(&mut self, key: &str, nodes: Vec<Node>) {
        if let Some(first) = nodes.first() {
            let place = first.place.clone();
            self.insert(&[key], Node { place, value: Value::Array(nodes) });
        }
    }

    /// A value as it was typed behind its flag; `skip` is how much of the text stands before it.
    pub(super) fn node(&mut self, flag: &str, text: &str, skip: usize, value: Value) -> Node {
        let shown = format!("{flag} {text}");
        let from = flag.len() + 1 + skip;
        let whole = self.reader.sources.add("the command line", shown, false);
        Node { place: whole.part(from..whole.span.end.max(from)), value }
    }

    fn insert(&mut self, path: &[&str], node: Node) {
        let mut table = &mut self.table;
        for name in &path[..path.len() - 1] {
            let index = table.entries.iter().position(|(key, _)| key.name == *name).unwrap_or_else(|| {
                let key = Key { name: (*name).to_owned(), place: node.place.clone() };
                let empty = Node { place: node.place.clone(), value: Value::Table(Table::default()) };
                table.entries.push((key, empty));
                table.entries.len() - 1
            });
            match &mut table.entries[index].1.value {
                Value::Table(inner) => table = inner,
                _ => return,
            }
        }
        let name = path.last().map_or_else(String::new, |name| (*name).to_owned());
        table.entries.push((Key { name, place: node.place.clone() }, node));
    }
}
