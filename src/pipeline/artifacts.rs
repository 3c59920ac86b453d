use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::actions;
use super::judge::Workload;
use crate::config::name_fault;
use crate::github::Actions;
use crate::report::chart::ChartModel;
use crate::report::{self, Details, Edits, Place, chart, results};
use crate::trace::files;
use crate::verdict::{ExitCode, Judged, Leg};

pub(super) const RESULTS: &str = "results.json";
const MARKDOWN: &str = "report.md";
const JUNIT: &str = "junit.xml";
const PAGE: &str = "report.html";
const GRAPHS: [&str; 2] = ["graph.svg", "graph.png"];

/// Makes the folder for the artifacts ready: what an earlier report left is removed, so that two are never mixed. Anything
/// else that lies there stays.
pub(super) fn clear(out: &Path) -> Result<()> {
    create(out)?;
    for path in files::list(out)? {
        if has_run(&path) {
            std::fs::remove_dir_all(&path)
                .with_context(|| format!("could not remove the earlier `{}`", path.display()))?;
        } else if path.file_name().is_some_and(|name| [RESULTS, MARKDOWN, JUNIT, PAGE].iter().any(|own| name == *own)) {
            std::fs::remove_file(&path)
                .with_context(|| format!("could not remove the earlier `{}`", path.display()))?;
        }
    }
    probe(out)
}

/// Makes a folder ready for a report of what was measured elsewhere: the graphs of an earlier one go. One with measurements is
/// refused: they are no report's to remove.
pub(super) fn make_room(out: &Path) -> Result<()> {
    create(out)?;
    if out.join("run.json").is_file()
        || files::list(out)?.iter().any(|path| has_run(path) || path.join("run.json").is_file())
    {
        bail!(
            "there are measurements in `{}`, which a report of others would be mixed with\nhelp: name another folder with --out",
            out.display()
        );
    }
    for folder in files::list(out)?.into_iter().filter(|path| path.is_dir()) {
        let inside = files::list(&folder)?;
        let is_graph = |path: &PathBuf| path.file_name().is_some_and(|name| GRAPHS.iter().any(|own| name == *own));
        if !inside.is_empty() && inside.iter().all(is_graph) {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("could not remove the earlier `{}`", folder.display()))?;
        }
    }
    probe(out)
}

fn create(out: &Path) -> Result<()> {
    if out.is_file() {
        bail!("`{}` is a file, and the artifacts need a folder\nhelp: name another with --out", out.display());
    }
    files::create_folder(out)
}

fn has_run(path: &Path) -> bool {
    path.join("run-1").join("run.json").is_file()
}

/// Better to know before a long run than after it.
fn probe(out: &Path) -> Result<()> {
    let probe = out.join(".memguard-probe");
    files::create(&probe).map(drop)?;
    std::fs::remove_file(&probe).with_context(|| format!("could not remove `{}`", probe.display()))
}

/// Writes every graph and the results. Each is tried, whatever becomes of the others.
pub(super) fn write(
    out: &Path,
    workloads: &[Workload],
    code: ExitCode,
    legs: &[Leg],
    actions: Option<&Actions>,
) -> Result<()> {
    let mut outcomes: Vec<Result<()>> = workloads.iter().map(|workload| graphs(out, workload)).collect();
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let details: Vec<_> = workloads.iter().map(|workload| workload.details.clone()).collect();
    let text = results(&judged, code, &details, legs);
    outcomes.push(text.and_then(|text| files::replace(&out.join(RESULTS), text.as_bytes())));
    let links = actions::links(out, actions, legs);
    // What `memguard ci comment` sends.
    let text = report::markdown(&judged, code, &details, &links, Place::Comment);
    outcomes.push(files::replace(&out.join(MARKDOWN), text.as_bytes()));
    outcomes.push(files::replace(&out.join(JUNIT), report::junit(&judged).as_bytes()));
    outcomes.push(page(out, workloads, code, &links.edits));
    outcomes.into_iter().collect()
}

/// Draws the page, and the graphs of the workloads that have a folder here.
pub(super) fn draw_anew(dir: &Path, workloads: &[Workload], code: ExitCode, edits: &Edits) -> Result<()> {
    let is_here = |workload: &&Workload| {
        let name = &workload.judged.name;
        name_fault(name).is_none() && dir.join(name).is_dir()
    };
    let mut outcomes: Vec<Result<()>> =
        workloads.iter().filter(is_here).map(|workload| graphs(dir, workload)).collect();
    outcomes.push(page(dir, workloads, code, edits));
    outcomes.into_iter().collect()
}

/// Writes the page alone.
pub(super) fn page(out: &Path, workloads: &[Workload], code: ExitCode, edits: &Edits) -> Result<()> {
    let judged: Vec<Judged> = workloads.iter().map(|workload| workload.judged.clone()).collect();
    let details: Vec<Details> = workloads.iter().map(|workload| workload.details.clone()).collect();
    files::replace(&out.join(PAGE), report::page(&judged, code, &details, edits)?.as_bytes())
}

fn graphs(out: &Path, workload: &Workload) -> Result<()> {
    let folder = out.join(folder_name(&workload.judged.name));
    files::create_folder(&folder)?;
    draw(&folder, &chart::of(&workload.judged, &workload.details))
}

/// A workload's name is that of its folder. What another program recorded is called as its file is, which may be no name for a folder.
fn folder_name(name: &str) -> String {
    if name_fault(name).is_none() {
        return name.to_owned();
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let plain: String = name.chars().take(50).map(|c| if is_plain(c) { c } else { '-' }).collect();
    format!("memory-{plain}")
}

/// Draws a graph in both formats into a folder.
pub(super) fn draw(folder: &Path, model: &ChartModel) -> Result<()> {
    let svg = chart::svg(model).and_then(|text| files::replace_drawn(&folder.join(GRAPHS[0]), text.as_bytes()));
    let png = chart::png(model).and_then(|bytes| files::replace_drawn(&folder.join(GRAPHS[1]), &bytes));
    svg.and(png)
}
