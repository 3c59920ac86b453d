use std::path::Path;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::keys;
use super::layers::Layers;
use super::node::{Node, Table, Value};
use super::read::Reader;
use crate::workload::{LineTime, LogFile};

const EXAMPLE: &str =
    "a list such as [\"app.log\"] or [{ path = \"app.log\", time = \"%Y-%m-%d %H:%M:%S\", zone = \"UTC\" }]";
/// What `log.csv` calls its other streams.
const TAKEN: [&str; 3] = ["stdout", "stderr", "memguard"];

impl Reader {
    /// The files that are followed: those of the first layer that names any.
    pub(super) fn logs(&mut self, layers: &Layers<'_>, folder: &Path) -> Vec<LogFile> {
        let Some(node) = layers.get("logs") else { return Vec::new() };
        let nodes = match &node.value {
            Value::Array(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut logs: Vec<LogFile> = Vec::new();
        for node in nodes {
            let Some(log) = self.log(node, folder) else { continue };
            if logs.iter().any(|other| other.name == log.name) {
                let what = format!("the log `{}` is named twice", log.name);
                self.wrong("duplicate-log", &node.place, what, "name each file once");
                continue;
            }
            logs.push(log);
        }
        logs
    }

    fn log(&mut self, node: &Node, folder: &Path) -> Option<LogFile> {
        let table = match &node.value {
            Value::Text(path) => return self.log_file(node, path, folder, None),
            _ => self.table(node, EXAMPLE)?,
        };
        self.check_keys(table, keys::LOG, "a log");
        let Some(path) = table.get("path") else {
            self.wrong("missing-key", &node.place, "this log has no `path`", "add one, such as path = \"app.log\"");
            return None;
        };
        let text = self.text(path, "a path in quotes")?;
        let time = self.line_time(table);
        self.log_file(path, &text, folder, time)
    }

    fn log_file(&mut self, node: &Node, path: &str, folder: &Path, time: Option<LineTime>) -> Option<LogFile> {
        if path.trim().is_empty() || path.contains(char::is_control) {
            let what = format!("`{}` is no path of a file", path.escape_debug());
            self.wrong("bad-path", &node.place, what, "write the path of a file that the workload writes");
            return None;
        }
        let name = if TAKEN.contains(&path) { format!("./{path}") } else { path.to_owned() };
        Some(LogFile { path: folder.join(path), name, time })
    }

    fn line_time(&mut self, table: &Table) -> Option<LineTime> {
        let zone = table.get("zone").map(|node| (node, self.zone(node)));
        let Some(node) = table.get("time") else {
            if let Some((node, _)) = zone {
                let what = "a `zone` without a `time`: the lines are stamped on arrival";
                self.wrong(
                    "zone-without-time",
                    &node.place,
                    what,
                    "say how the lines tell their time, or leave it out",
                );
            }
            return None;
        };
        let format = self.text(node, "a format in quotes, such as \"%Y-%m-%d %H:%M:%S\"")?;
        let zone = zone.map_or_else(|| Some(TimeZone::system()), |(_, zone)| zone)?;
        match LineTime::new(&format, zone) {
            Ok(time) => Some(time),
            Err(reason) => {
                let help =
                    "write how each line begins, as for strptime: \"%Y-%m-%d %H:%M:%S,%f\", \"[%H:%M:%S]\", \"%s\"";
                self.wrong(
                    "bad-time-format",
                    &node.place,
                    format!("`{format}` is no format of a time: {reason}"),
                    help,
                );
                None
            }
        }
    }

    fn zone(&mut self, node: &Node) -> Option<TimeZone> {
        let text = self.text(node, "a time zone in quotes, such as \"UTC\"")?;
        let offset = || BrokenDownTime::parse("%:z", &text).ok()?.offset().map(TimeZone::fixed);
        let zone = match text.as_str() {
            "local" => Some(TimeZone::system()),
            name => offset().or_else(|| TimeZone::get(name).ok()),
        };
        if zone.is_none() {
            let help = "write \"local\", \"UTC\", an offset such as \"+02:00\", or a name such as \"Europe/Berlin\", which \
                        needs the system's time zones";
            self.wrong("unknown-zone", &node.place, format!("there is no time zone `{text}` here"), help);
        }
        zone
    }

    /// What is taken out of everything that is stored: the patterns of all layers.
    pub(super) fn redact(&mut self, layers: &Layers<'_>) -> Vec<Regex> {
        let mut patterns: Vec<Regex> = Vec::new();
        for node in layers.tables().filter_map(|table| table.get("redact")) {
            let nodes = match &node.value {
                Value::Array(nodes) => nodes.as_slice(),
                _ => std::slice::from_ref(node),
            };
            for node in nodes {
                let Some(pattern) = self.regex(node) else { continue };
                if pattern.is_match("") {
                    let what = format!("`{pattern}` matches the empty text, and so between any two characters");
                    self.wrong(
                        "empty-regex",
                        &node.place,
                        what,
                        "have it match at least one character: + in place of *",
                    );
                } else {
                    patterns.push(pattern);
                }
            }
        }
        patterns
    }
}
