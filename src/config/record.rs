use std::time::Duration;

use super::flags::FlagTable;
use super::mistakes::Mistakes;
use super::node::{Node, Value};
use super::plan::{RecordPlan, Target};
use super::read::Reader;
use super::ready::name_fault;
use super::workload::MILLISECOND;
use crate::cli::Record;
use crate::sampler::SourceChoice;
use crate::units::Metric;

/// Often enough to see what happens, and little enough to be left on for weeks.
const INTERVAL: Duration = Duration::from_secs(1);
const METRICS: [(&str, Metric); 3] =
    [("footprint", Metric::Footprint), ("rss", Metric::Rss), ("private", Metric::Private)];
const SOURCES: [(&str, SourceChoice); 2] = [("proc", SourceChoice::Proc), ("portable", SourceChoice::Portable)];

/// What `memguard record` is to do.
///
/// # Errors
/// Everything that is wrong in the flags.
pub fn plan_record(typed: &Record) -> Result<RecordPlan, Mistakes> {
    let mut reader = Reader::default();
    let mut flags = FlagTable::new(&mut reader);
    let mut node = |flag: &str, text: &Option<String>| -> Option<Node> {
        text.as_ref().map(|text| flags.node(flag, text, 0, Value::Text(text.clone())))
    };
    let interval = node("--interval", &typed.interval);
    let at_most = node("--for", &typed.at_most);
    let metric = node("--metric", &typed.metric);
    let source = node("--source", &typed.source);
    let name = node("--name", &typed.name);
    let target = match (typed.pid, &typed.cgroup, &typed.container) {
        (Some(pid), ..) => Target::Process(pid),
        (_, Some(path), _) => Target::Group(path.clone()),
        (.., Some(name)) => Target::Container(name.clone()),
        (None, None, None) => Target::Machine,
    };
    let plan = RecordPlan {
        name: name.map_or_else(|| Some(own_name(&target)), |node| reader.name(&node)).unwrap_or_default(),
        target,
        interval: interval.and_then(|node| reader.interval(&node)).unwrap_or(INTERVAL),
        at_most: at_most.and_then(|node| reader.duration(&node, MILLISECOND)),
        metric: metric.and_then(|node| reader.choice(&node, &METRICS)),
        source: source.and_then(|node| reader.choice(&node, &SOURCES)).unwrap_or(SourceChoice::Native),
        out: typed.out.clone(),
    };
    reader.done(plan)
}

impl Reader {
    fn name(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "a name")?;
        match name_fault(&text) {
            None => Some(text),
            Some(fault) => {
                self.bad_name(&node.place, &text, fault);
                None
            }
        }
    }
}

/// What names the folder where nobody says it.
fn own_name(target: &Target) -> String {
    match target {
        Target::Machine => "machine".to_owned(),
        Target::Process(pid) => format!("pid-{pid}"),
        Target::Group(path) => safe(&path.file_name().unwrap_or_default().to_string_lossy(), "cgroup"),
        Target::Container(name) => safe(name, "container"),
    }
}

/// As a folder may be called.
fn safe(text: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = text.chars().map(plain).take(64).collect();
    let name = name.trim_matches(['-', '.']);
    if name_fault(name).is_some() { otherwise.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(typed: &Record) -> RecordPlan {
        plan_record(typed).unwrap()
    }

    fn refused(typed: &Record) -> String {
        plan_record(typed).unwrap_err().render(false)
    }

    #[test]
    fn without_flags_the_machine_is_recorded_every_second_until_told_otherwise() {
        let plan = plan(&Record::default());
        assert_eq!((plan.target, plan.name.as_str()), (Target::Machine, "machine"));
        assert_eq!((plan.interval, plan.at_most, plan.source), (INTERVAL, None, SourceChoice::Native));
    }

    #[test]
    fn a_recording_is_called_after_what_it_is_of() {
        let named = |typed: Record| plan(&typed).name;
        assert_eq!(named(Record { pid: Some(12), ..Record::default() }), "pid-12");
        for (path, name) in [
            ("/sys/fs/cgroup/system.slice/nginx.service", "nginx.service"),
            ("/user.slice/a b@c.scope/", "a-b-c.scope"),
            ("/", "cgroup"),
            ("..", "cgroup"),
        ] {
            assert_eq!(named(Record { cgroup: Some(path.into()), ..Record::default() }), name, "{path}");
        }
        assert_eq!(named(Record { container: Some("/web".into()), ..Record::default() }), "web");
        assert_eq!(named(Record { container: Some("💥".into()), ..Record::default() }), "container");
        let long = Record { container: Some("x".repeat(90)), ..Record::default() };
        assert_eq!(named(long).len(), 64);
    }

    #[test]
    fn every_flag_that_is_wrong_is_told() {
        let typed = Record {
            pid: Some(1),
            at_most: Some("2 hours".into()),
            interval: Some("2m".into()),
            metric: Some("cgroup".into()),
            source: Some("prok".into()),
            name: Some("a/b".into()),
            ..Record::default()
        };
        let text = refused(&typed);
        for told in ["`hours` is not a unit of time", "more than a minute", "`cgroup`", "`prok`", "is a path"] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
}
