use super::keys;
use super::layers::Layers;
use super::node::{Node, Table, Value};
use super::read::Reader;
use crate::units::{Bytes, Percent, Quantity, Rate};
use crate::verdict::{Budget, ConfigLine, Level, Limits, Measure, Subject, Tolerance};

/// A rise of less than this is never a regression, unless `at_least` says another.
const AT_LEAST: Bytes = Bytes(512 << 10);
/// The same for growth.
const AT_LEAST_RATE: Rate = Rate(1 << 20);

const LEVELS: [(&str, Level); 2] = [("fail", Level::Fail), ("warn", Level::Warn)];

impl Reader {
    pub(super) fn limits(&mut self, layers: &Layers<'_>) -> Limits {
        let mut limits = Limits::default();
        if let Some(node) = layers.get("level") {
            limits.level = self.choice(node, &LEVELS).unwrap_or_default();
        }
        for (key, known) in [("budget", keys::MEASURES), ("regression", keys::MEASURES)] {
            self.check_tables(layers, key, known);
        }
        let (budgets, tolerances) = (layers.inner("budget"), layers.inner("regression"));
        for measure in Measure::ALL {
            let subject = Subject { phase: None, measure };
            if let Some(node) = budgets.get(measure.name()) {
                limits.budgets.extend(self.budget(node, subject.clone()));
            }
            if let Some(node) = tolerances.get(measure.name()) {
                limits.tolerances.extend(self.tolerance(node, subject));
            }
        }
        limits
    }

    /// What a phase is held to.
    pub(super) fn phase_limits(&mut self, phase: &str, table: &Table, limits: &mut Limits) {
        let layers = Layers::new([table]);
        for key in ["budget", "regression"] {
            self.check_tables(&layers, key, keys::PHASE_MEASURES);
        }
        let (budgets, tolerances) = (layers.inner("budget"), layers.inner("regression"));
        for measure in Measure::OF_PHASE {
            let subject = Subject { phase: Some(phase.to_owned()), measure };
            if let Some(node) = budgets.get(measure.name()) {
                limits.budgets.extend(self.budget(node, subject.clone()));
            }
            if let Some(node) = tolerances.get(measure.name()) {
                limits.tolerances.extend(self.tolerance(node, subject));
            }
        }
    }

    /// Every layer's table at `key` is one, and has known keys.
    pub(super) fn check_tables(&mut self, layers: &Layers<'_>, key: &str, known: &[&str]) {
        for table in layers.tables() {
            let Some(node) = table.get(key) else { continue };
            let example = format!("a table, such as {key} = {{ {} = … }}", known.first().unwrap_or(&""));
            if let Some(inner) = self.table(node, &example) {
                self.check_keys(inner, known, &format!("`{key}`"));
            }
        }
    }

    fn budget(&mut self, node: &Node, subject: Subject) -> Option<Budget> {
        let limit = self.amount(node, subject.measure)?;
        if limit == Quantity::from(Bytes::ZERO) && subject.measure != Measure::Retained {
            let what = "no program can stay within a budget of nothing";
            self.wrong("budget-never-met", &node.place, what, "write the most that passes, such as \"512 MiB\"");
            return None;
        }
        Some(Budget { subject, limit, written: self.line(node) })
    }

    /// What a measure is limited by.
    fn amount(&mut self, node: &Node, measure: Measure) -> Option<Quantity> {
        match measure {
            Measure::Growth => self.rate(node).map(Quantity::from),
            Measure::Peak | Measure::Startup | Measure::Retained => self.bytes(node).map(Quantity::from),
        }
    }

    fn tolerance(&mut self, node: &Node, subject: Subject) -> Option<Tolerance> {
        let written = self.line(node);
        let usual = match subject.measure {
            Measure::Growth => AT_LEAST_RATE.into(),
            Measure::Peak | Measure::Startup | Measure::Retained => AT_LEAST.into(),
        };
        let Value::Table(table) = &node.value else {
            let percent = self.percent(node)?;
            return Some(Tolerance { subject, percent, at_least: usual, written });
        };
        self.check_keys(table, keys::TOLERANCE, "a tolerance");
        let percent = table.get("percent").map(|node| self.percent(node));
        let at_least = table.get("at_least").map(|node| self.amount(node, subject.measure));
        if percent.is_none() && at_least.is_none() {
            let help = match subject.measure {
                Measure::Growth => "write \"5%\", or { percent = 5, at_least = \"4 MiB/min\" }",
                _ => "write \"5%\", or { percent = 5, at_least = \"4 MiB\" }",
            };
            self.wrong("empty-tolerance", &node.place, "the tolerance is empty", help);
            return None;
        }
        // Without a percentage the amount alone decides.
        let percent = percent.unwrap_or(Some(Percent(0.0)))?;
        Some(Tolerance { subject, percent, at_least: at_least.unwrap_or(Some(usual))?, written })
    }

    /// Where a limit stands, if that is in a file.
    fn line(&self, node: &Node) -> Option<ConfigLine> {
        let source = self.sources.of(&node.place);
        source.is_file.then(|| ConfigLine { file: source.name.clone().into(), line: self.sources.line(&node.place) })
    }
}
