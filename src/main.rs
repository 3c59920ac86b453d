//! The command line: parses, calls the library, prints what went wrong, exits.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use memguard::cli::{Baseline, Ci, Cli, Command, Synth};
use memguard::config::{
    Mistakes, plan_accept, plan_baseline, plan_check, plan_compare, plan_import, plan_record, plan_run,
};
use memguard::pipeline::{self, Voice};
use memguard::trace::files;
use memguard::{init, os, synth, verdict};

fn main() -> ExitCode {
    // A usage error exits with 2, as ours do.
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let colour = Voice::new(cli.color, false, &std::io::stderr()).colour;
    match carry_out(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => ExitCode::from(complain(&error, colour)),
    }
}

fn carry_out(cli: Cli) -> Result<u8> {
    let (err, out) = (std::io::stderr(), std::io::stdout());
    match cli.command {
        Command::Run(typed) => {
            let plan = plan_run(&typed, &os::platform())?;
            pipeline::run(&plan, Voice::new(cli.color, typed.run.quiet, &err)).map(number)
        }
        Command::Record(typed) => {
            let plan = plan_record(&typed)?;
            pipeline::record(&plan, Voice::new(cli.color, typed.quiet, &err)).map(number)
        }
        Command::Check(typed) => {
            let (plan, import) = (plan_check(&typed, &os::platform())?, plan_import(&typed.import)?);
            let voice = Voice::new(cli.color, typed.quiet, &out);
            pipeline::check(&typed.dir, &plan, &import, typed.out.as_deref(), voice).map(number)
        }
        Command::Merge(typed) => {
            let voice = Voice::new(cli.color, typed.quiet, &out);
            pipeline::merge(&typed.folders, &typed.out, typed.machines, voice).map(number)
        }
        Command::Plot(typed) => {
            let import = plan_import(&typed.import)?;
            if typed.term {
                let voice = Voice::new(cli.color, false, &out);
                let (text, warnings) = pipeline::plot_in_terminal(&typed.files, &import, voice)?;
                warn(&warnings);
                return print(&text);
            }
            warn(&pipeline::plot(&typed.files, &import, &typed.output, typed.title.as_deref())?);
            print(&format!("wrote {}\n", typed.output.display()))
        }
        Command::Compare(typed) => {
            let (rules, import) = (plan_compare(&typed)?, plan_import(&typed.import)?);
            let voice = Voice::new(cli.color, false, &out);
            let (text, warnings) =
                pipeline::compare([&typed.base, &typed.head], &rules, &import, typed.output.as_deref(), voice)?;
            warn(&warnings);
            print(&text)
        }
        Command::Baseline(Baseline::Show(file)) => {
            let settings = plan_baseline(file.config.as_deref(), file.baseline.as_deref())?;
            print(&pipeline::show(&settings)?)
        }
        Command::Baseline(Baseline::Diff(typed)) => {
            let (config, baseline) = (typed.file.config.as_deref(), typed.file.baseline.as_deref());
            print(&pipeline::diff(&plan_accept(config, baseline, &os::platform())?, &typed.from)?)
        }
        Command::Baseline(Baseline::Accept(typed)) => {
            let (config, baseline) = (typed.file.config.as_deref(), typed.file.baseline.as_deref());
            print(&pipeline::accept(&plan_accept(config, baseline, &os::platform())?, &typed.from)?)
        }
        Command::Ci(Ci::Comment(typed)) => pipeline::comment(&typed).map(number),
        Command::Demo(typed) => pipeline::demo(&typed.out, Voice::new(cli.color, false, &err)).map(number),
        Command::Init(typed) => print(&init::init(Path::new("."), &typed)?),
        Command::Synth(typed) => shape(&typed),
        Command::Schema => print(&format!("{:#}\n", memguard::config::schema())),
        Command::Completions(typed) => print_bytes(&Cli::completions(typed.shell)),
        Command::Man(typed) => manual(typed.dir.as_deref()),
    }
}

fn shape(typed: &Synth) -> Result<u8> {
    let script: synth::Script = typed.script.parse()?;
    Ok(u8::try_from(script.run()?).unwrap_or(u8::MAX))
}

fn number(code: verdict::ExitCode) -> u8 {
    code as u8
}

fn print(text: &str) -> Result<u8> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<u8> {
    std::io::stdout().write_all(bytes).context("could not print")?;
    Ok(0)
}

fn manual(folder: Option<&Path>) -> Result<u8> {
    let pages = Cli::manual().context("could not write the manual")?;
    match (folder, pages.first()) {
        (Some(folder), _) => {
            files::create_folder(folder)?;
            pages.iter().try_for_each(|(name, page)| files::replace(&folder.join(name), page))?;
            print(&format!("wrote {} pages to `{}`\n", pages.len(), folder.display()))
        }
        (None, Some((_, page))) => print_bytes(page),
        (None, None) => Ok(0),
    }
}

/// What was wrong and could be read past.
fn warn(warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
}

/// Says what failed, and with which exit code that ends: 2 for what was typed or configured, 5 for what could not be done.
fn complain(error: &anyhow::Error, colour: bool) -> u8 {
    let (text, code) = if let Some(mistakes) = error.downcast_ref::<Mistakes>() {
        pipeline::annotate_mistakes(mistakes);
        (mistakes.render(colour), verdict::ExitCode::Usage)
    } else if let Some(mistake) = error.downcast_ref::<synth::ScriptError>() {
        (format!("error: {mistake}"), verdict::ExitCode::Usage)
    } else {
        (format!("error: {error:#}"), verdict::ExitCode::Unmeasured)
    };
    let _ = writeln!(std::io::stderr(), "{text}");
    number(code)
}
