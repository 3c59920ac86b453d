use std::path::Path;

use anyhow::{Result, bail};

use super::judge::{self, Workload};
use super::plot::{Kind, draw};
use super::{Voice, import};
use crate::analysis::Rules;
use crate::baseline::Store;
use crate::config::Import;
use crate::report::{self, Pair, Side, chart};
use crate::trace::Curve;
use crate::verdict::Limits;

/// Shows what moved between two results, and draws the curves of both where a picture is asked for. Returns the text, and what
/// was wrong with the files and could be read past.
///
/// # Errors
/// When one of them can't be read, when they have no workload in common, or when they are of different metrics.
pub fn compare(
    [base, head]: [&Path; 2],
    rules: &Rules,
    import: &Import,
    output: Option<&Path>,
    voice: Voice,
) -> Result<(String, Vec<String>)> {
    let kind = output.map(|output| Kind::of(output).map(|kind| (output, kind))).transpose()?;
    let (base, head) = (read(base, rules, import)?, read(head, rules, import)?);
    let mut warnings = Vec::new();
    for workload in base.iter().chain(&head) {
        warnings.extend_from_slice(&workload.warnings);
    }
    let name = |workload: &Workload| workload.judged.key.workload.clone();
    // One workload against one is meant, whatever they are called.
    let alone = base.len() == 1 && head.len() == 1;
    let mut pairs = Vec::new();
    for old in &base {
        let is_same = |new: &&Workload| name(new) == name(old);
        // Joined results have a workload once for each platform.
        let platform = |workload: &Workload| workload.judged.key.platform.clone();
        let same = head.iter().filter(is_same).find(|new| platform(new) == platform(old));
        let only = base.iter().filter(|other| name(other) == name(old)).count() == 1;
        let Some(new) = same.or_else(|| head.iter().find(|new| alone || (only && is_same(new)))) else {
            warnings.push(format!("`{}` stands in the base alone", name(old)));
            continue;
        };
        let (old_metric, new_metric) = (old.judged.key.metric, new.judged.key.metric);
        if old_metric != new_metric {
            bail!(
                "`{}` was measured as {old_metric} there and as {new_metric} here: they can't be compared",
                name(new)
            );
        }
        warnings
            .extend([("base", old), ("head", new)].into_iter().filter_map(|(word, workload)| unseen(word, workload)));
        pairs.push(Pair { base: side(old), head: side(new) });
    }
    for new in head.iter().filter(|new| !alone && base.iter().all(|old| name(old) != name(new))) {
        warnings.push(format!("`{}` stands in the head alone", name(new)));
    }
    if pairs.is_empty() {
        bail!("there is no workload that stands in both\nhelp: {}", warnings.join("; "));
    }
    if let Some((output, kind)) = kind {
        let curves: Vec<(String, Curve)> = pairs.iter().flat_map(|pair| curves(pair, pairs.len() > 1)).collect();
        draw(&chart::overlay("base and head", &curves), &pairs, kind, output)?;
    }
    Ok((report::compare(&pairs, voice.width), warnings))
}

fn read(path: &Path, rules: &Rules, import: &Import) -> Result<Vec<Workload>> {
    // Nothing is judged: there is neither a limit nor a baseline.
    let store = Store::none();
    let runs = import::runs_at(path, import)?;
    runs.iter().map(|runs| judge::workload(runs, rules, &Limits::default(), &store, false)).collect()
}

/// A line of a log that was left out takes nothing and hides what it took.
fn unseen(word: &str, workload: &Workload) -> Option<String> {
    let lines = workload.details.log_growth.as_ref()?.unseen.lines;
    let name = report::plain(&workload.judged.name, 64);
    (lines > 0)
        .then(|| format!("`{name}`: {lines} lines are not in the log of the {word}: no memory is put down to them"))
}

fn side(workload: &Workload) -> Side<'_> {
    Side { judged: &workload.judged, log_growth: workload.details.log_growth.as_ref() }
}

fn curves(pair: &Pair<'_>, several: bool) -> Vec<(String, Curve)> {
    let named = |word: &str, side: &Side<'_>| {
        let label = if several { format!("{} {word}", side.judged.key.workload) } else { word.to_owned() };
        chart::median_run(side.judged).map(|run| (label, run.curve.clone()))
    };
    [named("base", &pair.base), named("head", &pair.head)].into_iter().flatten().collect()
}
