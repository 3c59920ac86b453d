use std::path::Path;

/// What stands in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The kinds of project, several where several stand side by side.
    pub kinds: Vec<Kind>,
    /// Files by which it is known what a project needs before it runs.
    pub files: Vec<&'static str>,
}

/// A kind of project, with the command that is worth measuring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `Cargo.toml`.
    Cargo,
    /// `package.json`: the package manager and the script to run.
    Node {
        /// `npm`, `pnpm`, `yarn` or `bun`, by the lock file.
        manager: &'static str,
        /// `build`, `test` or `start`: the first that there is.
        script: Option<String>,
    },
    /// `pyproject.toml`, `requirements.txt`, `setup.py` or a script: what to run.
    Python {
        /// The script, or None for the tests.
        script: Option<String>,
    },
    /// `go.mod`.
    Go,
    /// `Makefile`: its first target.
    Make {
        /// The target; None for the default.
        target: Option<String>,
    },
}

impl Kind {
    /// For people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cargo => "a Cargo project",
            Self::Node { .. } => "a Node project",
            Self::Python { .. } => "a Python project",
            Self::Go => "a Go project",
            Self::Make { .. } => "a Makefile",
        }
    }
}

/// Looks at a folder. What can't be read is not there.
#[must_use]
pub fn look(folder: &Path) -> Facts {
    let has = |name: &str| folder.join(name).is_file();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let mut kinds = Vec::new();
    if has("Cargo.toml") {
        kinds.push(Kind::Cargo);
    }
    if has("package.json") {
        let locks = [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lockb", "bun"), ("bun.lock", "bun")];
        let manager = locks.iter().find(|(lock, _)| has(lock)).map_or("npm", |(_, manager)| manager);
        kinds.push(Kind::Node { manager, script: node_script(&read("package.json")) });
    }
    let script = ["main.py", "app.py", "run.py"].into_iter().find(|name| has(name)).map(str::to_owned);
    if script.is_some() || ["pyproject.toml", "requirements.txt", "setup.py"].iter().any(|name| has(name)) {
        kinds.push(Kind::Python { script });
    }
    if has("go.mod") {
        kinds.push(Kind::Go);
    }
    if has("Makefile") {
        kinds.push(Kind::Make { target: make_target(&read("Makefile")) });
    }
    let files = ["package-lock.json", "requirements.txt", "pyproject.toml", "setup.py"];
    Facts { kinds, files: files.into_iter().filter(|name| has(name)).collect() }
}

/// The script most worth measuring, where the manifest has one.
fn node_script(manifest: &str) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(manifest).ok()?;
    let scripts = manifest.get("scripts")?.as_object()?;
    ["build", "test", "start"].into_iter().find(|name| scripts.contains_key(*name)).map(str::to_owned)
}

/// The first rule's target, where it is a plain word.
fn make_target(makefile: &str) -> Option<String> {
    makefile.lines().find_map(|line| {
        let (target, rest) = line.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_rule = !target.is_empty() && target.chars().all(plain) && !rest.starts_with('=');
        is_rule.then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_project_is_told_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(look(folder.path()).kinds, []);
        write("Cargo.toml", "");
        write("package.json", r#"{"scripts": {"test": "x", "build": "y"}}"#);
        write("pnpm-lock.yaml", "");
        write("main.py", "");
        write("go.mod", "");
        write("Makefile", "CC := gcc\n.PHONY: all\nall: x\n");
        let node = Kind::Node { manager: "pnpm", script: Some("build".into()) };
        let python = Kind::Python { script: Some("main.py".into()) };
        let make = Kind::Make { target: Some("all".into()) };
        assert_eq!(look(folder.path()).kinds, [Kind::Cargo, node, python, Kind::Go, make]);
    }

    #[test]
    fn a_broken_manifest_is_a_project_without_scripts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), b"{\xff").unwrap();
        assert_eq!(look(folder.path()).kinds, [Kind::Node { manager: "npm", script: None }]);
    }
}
