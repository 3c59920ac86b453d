//! What the command line said of the runs and of the judging: by this, `merge` tells machines that were told different things.

use super::shard::digest;
use crate::cli::{JudgeFlags, RunFlags};

/// Each flag with its value, as it was typed, in an order of their own. What may be secret is told by the beginning of its
/// SHA-256. Left out is what each machine has of its own: where its results go, its shard, its label, how much it prints; and the
/// config, which is known by its text.
pub(super) fn said(run: &RunFlags, judge: &JudgeFlags) -> Vec<String> {
    // Without `..`: a flag that is added has to be thought of here.
    let RunFlags {
        out: _,
        shard: _,
        name: _,
        quiet: _,
        log_file,
        redact,
        runs,
        interval,
        metric,
        source,
        ready_port,
        ready_file,
        ready_command,
        ready_within,
        drive,
        before,
        env,
        cwd,
        timeout,
        abort_above,
        stop_signal,
        stop_grace,
    } = run;
    let JudgeFlags {
        config: _,
        label: _,
        peak,
        startup,
        retained,
        growth,
        max_peak_increase,
        max_startup_increase,
        max_retained_increase,
        max_growth_increase,
        ready_log,
        ready_after,
        phase,
        level,
        baseline,
        baseline_ref,
        require_baseline,
    } = judge;
    let mut said = Vec::new();
    let mut add = |flag: &str, value: &str| said.push(format!("{flag} {value}"));
    let one = [
        ("--peak", peak),
        ("--startup", startup),
        ("--retained", retained),
        ("--growth", growth),
        ("--max-peak-increase", max_peak_increase),
        ("--max-startup-increase", max_startup_increase),
        ("--max-retained-increase", max_retained_increase),
        ("--max-growth-increase", max_growth_increase),
        ("--ready-log", ready_log),
        ("--ready-after", ready_after),
        ("--ready-file", ready_file),
        ("--ready-command", ready_command),
        ("--ready-within", ready_within),
        ("--level", level),
        ("--baseline-ref", baseline_ref),
        ("--interval", interval),
        ("--metric", metric),
        ("--source", source),
        ("--drive", drive),
        ("--before", before),
        ("--cwd", cwd),
        ("--timeout", timeout),
        ("--abort-above", abort_above),
        ("--stop-signal", stop_signal),
        ("--stop-grace", stop_grace),
    ];
    one.iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?))).for_each(|(flag, value)| add(flag, value));
    for (flag, values) in [("--phase", phase), ("--log-file", log_file)] {
        values.iter().for_each(|value| add(flag, value));
    }
    for (flag, number) in [("--runs", runs), ("--ready-port", ready_port)] {
        number.iter().for_each(|number| add(flag, &number.to_string()));
    }
    baseline.iter().for_each(|file| add("--baseline", &file.display().to_string()));
    for pair in env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add("--env", &format!("{name}=<{}>", hidden(value)));
    }
    redact.iter().for_each(|pattern| add("--redact", &format!("<{}>", hidden(pattern))));
    if *require_baseline {
        said.push("--require-baseline".to_owned());
    }
    said
}

fn hidden(text: &str) -> String {
    digest(text).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;
    use crate::cli::Run;

    /// Every flag of a run but those that are each machine's own.
    fn flags() -> Vec<String> {
        let own = ["out", "shard", "name", "quiet", "config", "label", "help"];
        let command = Run::augment_args(Command::new("run"));
        let mut flags: Vec<String> = command.get_opts().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
        flags.retain(|flag| !own.contains(&flag.as_str()));
        flags
    }

    fn said_of(words: &[&str]) -> Vec<String> {
        let matches = Run::augment_args(Command::new("run")).get_matches_from([&["run"], words].concat());
        let typed = Run::from_arg_matches(&matches).unwrap();
        said(&typed.run, &typed.judge)
    }

    #[test]
    fn every_flag_that_changes_a_run_or_its_judging_is_said() {
        assert!(flags().len() > 25);
        for flag in flags() {
            let long = format!("--{flag}");
            let words: &[&str] = if flag == "require-baseline" { &[&long] } else { &[&long, "4"] };
            let said = said_of(words);
            assert!(said.len() == 1 && said[0].starts_with(&long), "{flag}: {said:?}");
        }
    }

    #[test]
    fn what_is_a_machines_own_is_not_said_and_what_may_be_secret_is_hidden() {
        let own = ["name", "--out", "x", "--shard", "1/2", "--label", "l", "--config", "c", "--quiet", "--name", "n"];
        assert_eq!(said_of(&own), [""; 0]);
        let said = said_of(&["--env", "TOKEN=abc", "--redact", "abc", "--peak", "1GiB"]);
        assert_eq!(said, ["--peak 1GiB", "--env TOKEN=<ba7816bf8f01>", "--redact <ba7816bf8f01>"]);
    }
}
