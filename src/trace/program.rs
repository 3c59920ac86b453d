//! What a program is called, from the command line of one of its processes.

use super::model::Program;

/// Programs whose first argument says what they run.
const INTERPRETERS: [&str; 17] = [
    "bash", "bun", "dash", "deno", "dotnet", "java", "node", "perl", "php", "pypy", "python", "Rscript", "ruby", "sh",
    "tsx", "uv", "zsh",
];
/// Options of theirs that are followed by a value.
const WITH_VALUE: [&str; 9] =
    ["-cp", "-classpath", "--class-path", "--module-path", "-W", "-X", "-r", "--require", "--import"];
/// Options behind which stands what is run: a name…
const NAMED: [&str; 3] = ["-m", "-jar", "--module"];
/// …or its text.
const WRITTEN_OUT: [&str; 4] = ["-c", "-e", "--eval", "-lc"];

const LONGEST: usize = 64;

/// The program of a process: its file's name, and for an interpreter what it runs (`python ingest.py`, `java app.jar`,
/// `sh -c`); for a process that gives itself a title the first two words of it (`postgres: checkpointer`).
///
/// `is_fork` is one that was forked and still runs its parent's program: the workers are told from the one that started them.
pub(super) fn program_of(command: &str, is_fork: bool) -> Program {
    let mut words = command.split_whitespace();
    let Some(first) = words.next() else { return Program::Named("(unknown)".to_owned()) };
    let mut name = if first.starts_with('[') {
        command.to_owned()
    } else {
        file_name(first).trim_start_matches('-').trim_end_matches(".exe").to_owned()
    };
    let what = if name.ends_with(':') {
        words.next().map(str::to_owned)
    } else if INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
        what_it_runs(words)
    } else {
        None
    };
    if let Some(what) = what {
        name = format!("{name} {what}");
    }
    if let Some((end, _)) = name.char_indices().nth(LONGEST) {
        name.truncate(end);
        name.push('…');
    }
    if is_fork {
        name.push_str(" (forks)");
    }
    Program::Named(name)
}

fn what_it_runs<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<String> {
    while let Some(word) = words.next() {
        if WRITTEN_OUT.contains(&word) {
            return Some(word.to_owned());
        }
        if NAMED.contains(&word) {
            let named = words.next()?;
            return Some(if word == "-m" { format!("-m {named}") } else { file_name(named).to_owned() });
        }
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(file_name(word).to_owned());
        }
    }
    None
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_program_is_called_by_what_it_runs() {
        for (command, name) in [
            ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet main.c", "cc1"),
            ("target/release/ingest --all", "ingest"),
            ("python3.11 -X dev /srv/app/ingest.py data/", "python3.11 ingest.py"),
            ("python -m pytest -q tests/", "python -m pytest"),
            ("/bin/sh -c make -j8 all", "sh -c"),
            ("-bash", "bash"),
            ("bash ./build.sh", "bash build.sh"),
            ("java -Xmx1g -cp a.jar:b.jar com.example.Main", "java com.example.Main"),
            ("/usr/bin/java -jar /opt/app.jar", "java app.jar"),
            ("node --require ./hook.js ./node_modules/.bin/vite build", "node vite"),
            (r"C:\tools\ingest.exe x", "ingest"),
            ("postgres: checkpointer ", "postgres: checkpointer"),
            ("nginx: worker process", "nginx: worker"),
            ("[kworker/0:1]", "[kworker/0:1]"),
            ("", "(unknown)"),
            ("/", "/"),
        ] {
            assert_eq!(program_of(command, false), Program::Named(name.to_owned()), "{command}");
        }
        assert_eq!(program_of("python train.py", true), Program::Named("python train.py (forks)".to_owned()));
    }

    proptest! {
        #[test]
        fn every_command_has_a_name_of_bounded_length(command in "(\\PC|[ /-])*", is_fork: bool) {
            let Program::Named(name) = program_of(&command, is_fork) else { unreachable!("it has a name") };
            prop_assert!(!name.is_empty() && name.chars().count() <= LONGEST + 9);
        }
    }
}
