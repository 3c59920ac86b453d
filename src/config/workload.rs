use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::keys;
use super::layers::Layers;
use super::node::{Node, Value};
use super::plan::WorkloadPlan;
use super::read::Reader;
use super::ready::rules;
use crate::sampler::{self, SourceChoice};
use crate::units::{Metric, Quantity};
use crate::verdict::Measure;
use crate::workload::{Settings, Signal, Stop};

const METRICS: [(&str, Metric); 3] =
    [("footprint", Metric::Footprint), ("rss", Metric::Rss), ("private", Metric::Private)];
const SOURCES: [(&str, SourceChoice); 3] =
    [("proc", SourceChoice::Proc), ("cgroup", SourceChoice::Cgroup), ("portable", SourceChoice::Portable)];
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

impl Reader {
    /// One workload from its layers. `folder` is where relative paths begin and where its commands run.
    pub(super) fn workload(&mut self, name: &str, layers: &Layers<'_>, folder: &Path) -> Option<WorkloadPlan> {
        let command = layers.get("run").map(|node| self.command(node));
        let before = layers.get("before").map(|node| self.command(node));
        let drive = layers.get("drive").map(|node| self.command(node));
        let cwd = layers.get("cwd").and_then(|node| self.text(node, "a path in quotes"));
        let timeout = layers.get("timeout").and_then(|node| self.duration(node, MILLISECOND));
        let ready = self.ready(layers, folder);
        self.check_needs_ready(layers, &format!("the workload `{name}`"));
        self.check_ready(ready.as_ref(), layers, timeout);
        let env = self.env(layers);
        let stop = self.stop(layers);
        let logs = self.logs(layers, folder);
        let redact = self.redact(layers);
        let abort_above = layers.get("abort_above").and_then(|node| self.bytes(node));
        let runs = layers.get("runs").and_then(|node| self.whole(node, 1, 1000));
        let sampling = self.sampling(layers);
        let mut limits = self.limits(layers);
        let phases = self.phases(layers, &mut limits);
        let peak = limits
            .budgets
            .iter()
            .find(|budget| budget.subject.phase.is_none() && budget.subject.measure == Measure::Peak);
        if let (Some(abort), Some(budget), Some(node)) = (abort_above, peak, layers.get("abort_above"))
            && Quantity::from(abort) <= budget.limit
        {
            let limit = budget.limit.plain();
            let what = format!("`abort_above` ends the run before its peak can reach the budget of {limit}");
            self.wrong("budget-never-met", &node.place, what, "set it well above the peak's budget");
        }
        Some(WorkloadPlan {
            name: name.to_owned(),
            runs: u32::try_from(runs.unwrap_or(1)).unwrap_or(1),
            rules: rules(ready.as_ref(), phases),
            launch: Settings {
                command: command??,
                before: before.flatten(),
                env,
                folder: Some(cwd.map_or_else(|| folder.to_owned(), |cwd| folder.join(cwd))),
                timeout,
                ready,
                drive: drive.flatten(),
                stop,
                abort_above,
                logs,
                redact,
            },
            sampling,
            limits,
        })
    }

    pub(super) fn interval(&mut self, node: &Node) -> Option<Duration> {
        let interval = self.duration(node, MILLISECOND)?;
        if interval > LONGEST_INTERVAL {
            let what = "an interval of more than a minute sees nothing";
            self.wrong("out-of-range", &node.place, what, "write \"60s\" or less");
            return None;
        }
        Some(interval)
    }

    pub(super) fn sampling(&mut self, layers: &Layers<'_>) -> sampler::Settings {
        let mut settings = sampler::Settings::default();
        if let Some(node) = layers.get("interval") {
            settings.interval = self.interval(node).unwrap_or(settings.interval);
        }
        if let Some(node) = layers.get("metric") {
            settings.metric = self.choice(node, &METRICS);
        }
        if let Some(node) = layers.get("source")
            && let Some(source) = self.choice(node, &SOURCES)
        {
            settings.source = source;
        }
        let readable: &[Metric] = match settings.source {
            SourceChoice::Native => return settings,
            SourceChoice::Proc => &[Metric::Footprint, Metric::Rss],
            SourceChoice::Cgroup => &[Metric::Footprint],
            SourceChoice::Portable => &[Metric::Rss, Metric::Footprint, Metric::Private],
        };
        if let Some(metric) = settings.metric.filter(|metric| !readable.contains(metric))
            && let Some(node) = layers.get("source")
        {
            let source = SOURCES.iter().find(|(_, source)| *source == settings.source).map_or("", |(name, _)| name);
            let what = format!("the source `{source}` can't read the metric `{metric}`");
            let list: Vec<String> = readable.iter().map(|metric| format!("metric = \"{metric}\"")).collect();
            let help = format!("write {}, or leave `source` out", list.join(" or "));
            self.wrong("source-metric", &node.place, what, help);
        }
        settings
    }

    fn env(&mut self, layers: &Layers<'_>) -> BTreeMap<String, String> {
        const EXAMPLE: &str = "a table of texts, such as { OMP_NUM_THREADS = \"2\" }";
        let mut env = BTreeMap::new();
        for table in layers.tables() {
            let Some(node) = table.get("env") else { continue };
            let Some(entries) = self.table(node, EXAMPLE) else { continue };
            for (key, node) in &entries.entries {
                if key.name.is_empty() || key.name.contains(['=', '\0']) {
                    let what = format!("`{}` can't be the name of a variable", key.name.escape_debug());
                    self.wrong("bad-name", &key.place, what, "leave out `=`");
                } else if let Some(text) = self.text(node, "the variable's value in quotes") {
                    env.entry(key.name.clone()).or_insert(text);
                }
            }
        }
        env
    }

    fn stop(&mut self, layers: &Layers<'_>) -> Stop {
        self.check_tables(layers, "stop", keys::STOP);
        let (inner, mut stop) = (layers.inner("stop"), Stop::default());
        if let Some(node) = inner.get("signal") {
            stop.signal = self.signal(node).unwrap_or(stop.signal);
        }
        if let Some(node) = inner.get("grace") {
            stop.grace = self.duration(node, Duration::ZERO).unwrap_or(stop.grace);
        }
        stop
    }

    fn signal(&mut self, node: &Node) -> Option<Signal> {
        // SIGTERM and TERM are the same word to whoever writes them.
        let mut short = node.clone();
        if let Value::Text(text) = &mut short.value
            && let Some(rest) = text.strip_prefix("SIG")
        {
            *text = rest.to_owned();
        }
        self.choice(&short, &Signal::ALL)
    }
}
