use std::path::Path;
use std::time::Duration;

use super::keys;
use super::layers::Layers;
use super::node::{Node, Table, Value};
use super::read::Reader;
use super::sources::Place;
use crate::analysis::{Edge, PhaseRule, ReadyRule, Rules};
use crate::verdict::{Limits, Measure};
use crate::workload::{Ready, ReadyKind};

const READY_EXAMPLE: &str = "a table such as { log = 'Loaded \\d+ rows' }, { port = 8080 } or { after = \"5s\" }";
const MOMENT: Duration = Duration::from_nanos(1);

impl Reader {
    /// What ends start-up; None where no layer says it. Of several layers the first that names a sign decides on it.
    pub(super) fn ready(&mut self, layers: &Layers<'_>, folder: &Path) -> Option<Ready> {
        let mut chosen: Option<&Table> = None;
        for node in layers.tables().filter_map(|table| table.get("ready")) {
            if matches!(&node.value, Value::Text(text) if text == "auto") {
                let help = "remove it, or write what ends start-up, such as ready = { log = 'listening on' }";
                self.wrong(
                    "ready-auto",
                    &node.place,
                    "`ready` can no longer be \"auto\": start-up is not guessed",
                    help,
                );
            } else if let Some(inner) = self.table(node, READY_EXAMPLE) {
                self.check_keys(inner, keys::READY, "`ready`");
                if keys::READY_KINDS.iter().any(|kind| inner.get(kind).is_some()) {
                    chosen = chosen.or(Some(inner));
                }
            }
        }
        let within = layers.inner("ready").get("within").map(|node| (node, self.duration(node, MOMENT)));
        let Some(table) = chosen else {
            if let Some(node) = layers.get("ready")
                && matches!(node.value, Value::Table(_))
            {
                let what = "`ready` does not say what to wait for";
                self.wrong("no-ready-kind", &node.place, what, format!("write {READY_EXAMPLE}"));
            }
            return None;
        };
        let mut found = keys::READY_KINDS.iter().filter_map(|kind| Some((*kind, table.get(kind)?)));
        let (kind, node) = found.next()?;
        if let Some((second, node)) = found.next() {
            let what = format!("`ready` has both `{kind}` and `{second}`");
            self.wrong("two-ready-kinds", &node.place, what, "keep the one that tells that start-up has ended");
            return None;
        }
        let kind = match kind {
            "after" => ReadyKind::After(self.duration(node, MOMENT)?),
            "log" => ReadyKind::Log(self.regex(node)?),
            "port" => ReadyKind::Port(u16::try_from(self.whole(node, 1, 65535)?).ok()?),
            "file" => ReadyKind::File(folder.join(self.text(node, "a path in quotes")?)),
            _ => ReadyKind::Command(self.command(node)?),
        };
        let within = match within {
            None => None,
            Some((_, Some(within))) => Some(within),
            Some((_, None)) => return None,
        };
        Some(Ready { kind, within })
    }

    /// The phases of the first layer that has any, with what they are held to.
    pub(super) fn phases(&mut self, layers: &Layers<'_>, limits: &mut Limits) -> Vec<PhaseRule> {
        let Some(node) = layers.get("phase") else { return Vec::new() };
        let Value::Array(phases) = &node.value else {
            let help = "write each phase as [[workload.phase]] with a name, from and until";
            self.wrong(
                "wrong-type",
                &node.place,
                format!("this is {}, and a list of phases is wanted", node.kind()),
                help,
            );
            return Vec::new();
        };
        let mut rules: Vec<PhaseRule> = Vec::new();
        for node in phases {
            let Some(table) = self.table(node, "a table with a name, from and until") else { continue };
            self.check_keys(table, keys::PHASE, "a phase");
            let Some(name) = self.phase_name(node, table) else { continue };
            if rules.iter().any(|rule| rule.name == name) {
                let what = format!("there are two phases named `{name}`");
                self.wrong("duplicate-phase", &node.place, what, "give each a name of its own");
                continue;
            }
            let from = table.get("from").map(|node| self.edge(node));
            let until = table.get("until").map(|node| self.edge(node));
            if let (Some(Some(Edge::At(from))), Some(Some(Edge::At(end)))) = (&from, &until)
                && from >= end
            {
                self.wrong(
                    "empty-phase",
                    &node.place,
                    format!("the phase `{name}` ends before it begins"),
                    "swap from and until",
                );
            }
            self.phase_limits(&name, table, limits);
            rules.push(PhaseRule { name, from: from.flatten(), until: until.flatten() });
        }
        rules
    }

    fn phase_name(&mut self, node: &Node, table: &Table) -> Option<String> {
        let Some(name) = table.get("name") else {
            self.wrong("missing-key", &node.place, "a phase has no `name`", "add one, such as name = \"load\"");
            return None;
        };
        let text = self.text(name, "a name in quotes")?;
        if text.trim().is_empty() || text.chars().count() > 64 || text.chars().any(char::is_control) {
            self.wrong(
                "bad-name",
                &name.place,
                format!("`{}` is no name for a phase", text.escape_debug()),
                "write 1 to 64 characters",
            );
            return None;
        }
        Some(text)
    }

    fn edge(&mut self, node: &Node) -> Option<Edge> {
        const EXAMPLE: &str = "{ log = 'Loading' } or { at = \"5s\" }";
        let table = self.table(node, EXAMPLE)?;
        self.check_keys(table, keys::EDGE, "the end of a phase");
        match (table.get("log"), table.get("at")) {
            (Some(log), None) => self.regex(log).map(Edge::Log),
            (None, Some(at)) => self.duration(at, Duration::ZERO).map(Edge::At),
            _ => {
                let what = "a phase begins and ends at one log line or one time";
                self.wrong("bad-edge", &node.place, what, format!("write {EXAMPLE}"));
                None
            }
        }
    }

    /// What does not fit together about the sign and what waits for it.
    pub(super) fn check_ready(&mut self, ready: Option<&Ready>, layers: &Layers<'_>, timeout: Option<Duration>) {
        let within = layers.inner("ready").get("within");
        if let (Some(within), Some(limit), Some(node)) = (ready.and_then(|ready| ready.within), timeout, within)
            && within >= limit
        {
            let what = "`within` is not shorter than `timeout`, which ends the run first";
            self.wrong("within-timeout", &node.place, what, "make it shorter, or leave it out");
        }
        if let (Some(Ready { kind: ReadyKind::After(after), .. }), Some(limit)) = (ready, timeout)
            && *after >= limit
            && let Some(node) = layers.inner("ready").get("after")
        {
            let what = "start-up would end after `timeout`, which ends the run first";
            self.wrong("within-timeout", &node.place, what, "make `after` shorter or `timeout` longer");
        }
    }

    /// Points out what needs a `ready` in a workload that has none: `drive`, and limits on what is measured from it. `of` names
    /// the workload in a sentence.
    pub(super) fn check_needs_ready(&mut self, layers: &Layers<'_>, of: &str) {
        // A `ready` that is wrong is pointed out where it stands.
        if layers.get("ready").is_some() {
            return;
        }
        for (key, measure) in
            ["budget", "regression"].into_iter().flat_map(|key| Measure::FROM_READY.map(|of| (key, of)))
        {
            let Some(node) = layers.inner(key).get(measure.name()) else { continue };
            let what = format!("`{}` is measured from a `ready`, and {of} has none", measure.name());
            let help = if self.sources.of(&node.place).is_file {
                format!("add `ready = {{ log = 'listening on' }}` to {of}, or another of port, file, command and after")
            } else {
                "add `--ready-log REGEX`, such as --ready-log 'listening on', or `--ready-after TIME`".to_owned()
            };
            self.wrong("needs-ready", &node.place, what, help);
        }
        const HELP: &str = "say what ends start-up, such as ready = { log = 'listening' } (`--ready-log`), \
                            { port = 8080 } (`--ready-port`) or { after = \"5s\" } (`--ready-after`)";
        if let Some(node) = layers.get("drive") {
            self.wrong("needs-ready", &node.place, "`drive` has no `ready` to start at", HELP);
        }
    }
}

/// How the trace is read to find what the run waited for.
pub(super) fn rules(ready: Option<&Ready>, phases: Vec<PhaseRule>) -> Rules {
    let ready = match ready.map(|ready| &ready.kind) {
        None => ReadyRule::NotGiven,
        Some(ReadyKind::After(after)) => ReadyRule::After(*after),
        Some(ReadyKind::Log(pattern)) => ReadyRule::Log(pattern.clone()),
        Some(ReadyKind::Port(_) | ReadyKind::File(_) | ReadyKind::Command(_)) => ReadyRule::Recorded,
    };
    Rules { ready, phases }
}

/// Why a workload can't be called so: its name is that of a folder on every system. None where it can.
#[must_use]
pub fn name_fault(name: &str) -> Option<&'static str> {
    const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let device = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Some("is empty")
    } else if name.contains(['/', '\\']) {
        Some("is a path")
    } else if !name.chars().all(allowed) {
        Some("has characters other than letters, digits, `.`, `_` and `-`")
    } else if name.starts_with('.') || name.ends_with('.') {
        Some("begins or ends with a dot")
    } else if name.len() > 64 {
        Some("is longer than 64 characters")
    } else if RESERVED.contains(&device) && stem.len() <= 4 {
        Some("is a device's name on Windows")
    } else {
        None
    }
}

/// A place for mistakes about a whole workload: its name, or the table.
pub(super) fn heading<'a>(table: &'a Table, whole: &'a Place) -> &'a Place {
    table.get("name").map_or(whole, |node| &node.place)
}
