//! What started the workflow: whether a fork's code would run with the rights of the repository.

use std::path::Path;

use serde_json::Value;

/// Why nothing is run: a fork's code must not run where it can write to the repository or read its secrets.
const RECIPE: &str = "help: run memguard under `pull_request`, where a fork's code has no rights; it needs none. What must have \
                      rights, such as a comment, belongs into a second workflow that reads the artifact and treats it as hostile";

/// Says why a workload must not be run in this step; None where it may. `repository` is this one's name, `event` the name of
/// what happened, `payload` the file with what is known of it.
///
/// Of `pull_request_target` and `workflow_run` GitHub's documentation says that they run with the rights of the base
/// repository, whoever wrote the code of the pull request. Where the payload can't be read, the worst is assumed.
#[must_use]
pub fn refusal(event: &str, repository: &str, payload: Option<&Path>) -> Option<String> {
    let head = match event {
        "pull_request_target" => "/pull_request/head/repo/full_name",
        "workflow_run" => "/workflow_run/head_repository/full_name",
        _ => return None,
    };
    let text = payload.and_then(|file| std::fs::read_to_string(file).ok());
    let value: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let from = value.as_ref().and_then(|value| value.pointer(head)).and_then(Value::as_str);
    match from {
        Some(from) if from.eq_ignore_ascii_case(repository) => None,
        Some(_) => {
            Some(format!("under `{event}` the code of a fork would run with the rights of this repository\n{RECIPE}"))
        }
        // A fork that was deleted, or a file that is not there.
        None => Some(format!(
            "under `{event}` it can't be told whose code would run with the rights of this repository\n{RECIPE}"
        )),
    }
}

/// A pull request, as the payload of its event has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its last commit.
    pub head: String,
    /// Whether the code is of another repository.
    pub is_fork: bool,
}

/// The pull request that a payload is about; None where it is about none. `repository` is this one's name.
#[must_use]
pub fn pull_request(repository: &str, payload: &Value) -> Option<Pull> {
    let text = |pointer| payload.pointer(pointer).and_then(Value::as_str);
    Some(Pull {
        number: payload.pointer("/pull_request/number")?.as_u64()?,
        head: text("/pull_request/head/sha")?.to_owned(),
        is_fork: !text("/pull_request/head/repo/full_name").is_some_and(|from| from.eq_ignore_ascii_case(repository)),
    })
}

/// A run of another workflow for a pull request, as the payload of `workflow_run` has it. That is GitHub's word; what the run's
/// artifacts say is the word of whoever wrote the pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRun {
    /// The run's number.
    pub id: u64,
    /// The last commit.
    pub head: String,
    /// The branch, named by whoever pushed it.
    pub branch: String,
    /// Whose repository the branch is in.
    pub owner: String,
    /// That repository: its number, since names can be given again.
    pub repository: u64,
}

/// The run that a payload of `workflow_run` is about; None where it was for no pull request.
#[must_use]
pub fn pull_run(payload: &Value) -> Option<PullRun> {
    let run = payload.get("workflow_run")?;
    let text = |pointer| run.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let number = |pointer| run.pointer(pointer).and_then(Value::as_u64);
    if text("/event")? != "pull_request" {
        return None;
    }
    Some(PullRun {
        id: number("/id")?,
        head: text("/head_sha")?,
        branch: text("/head_branch")?,
        owner: text("/head_repository/owner/login")?,
        repository: number("/head_repository/id")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(event: &str, payload: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("event.json");
        std::fs::write(&file, payload).unwrap();
        refusal(event, "o/r", Some(&file)).is_some()
    }

    #[test]
    fn a_forks_code_is_not_run_with_the_rights_of_the_repository() {
        let target = |from: &str| format!(r#"{{"pull_request":{{"head":{{"repo":{{"full_name":"{from}"}}}}}}}}"#);
        let run = |from: &str| format!(r#"{{"workflow_run":{{"head_repository":{{"full_name":"{from}"}}}}}}"#);
        assert!(refused("pull_request_target", &target("fork/r")));
        assert!(!refused("pull_request_target", &target("O/r")));
        assert!(refused("workflow_run", &run("fork/r")));
        assert!(!refused("workflow_run", &run("o/r")));
        assert!(!refused("pull_request", &target("fork/r")), "there it has no rights");
        assert!(!refused("push", "{}"));
    }

    #[test]
    fn a_run_of_another_workflow_is_known_where_it_was_for_a_pull_request() {
        let payload = |event: &str| {
            let repository = r#"{"id":5,"owner":{"login":"fork"}}"#;
            let run = format!(
                r#"{{"id":9,"event":"{event}","head_sha":"abc","head_branch":"x&y","head_repository":{repository}}}"#
            );
            serde_json::from_str::<Value>(&format!(r#"{{"workflow_run":{run}}}"#)).unwrap()
        };
        let wanted = PullRun { id: 9, head: "abc".into(), branch: "x&y".into(), owner: "fork".into(), repository: 5 };
        assert_eq!(pull_run(&payload("pull_request")), Some(wanted));
        assert_eq!(pull_run(&payload("push")), None);
        assert_eq!(pull_run(&Value::Null), None);
    }

    #[test]
    fn what_can_not_be_told_is_refused() {
        let deleted = r#"{"pull_request":{"head":{"repo":null}}}"#;
        for payload in [deleted, "", "{", "[]"] {
            assert!(refused("pull_request_target", payload), "{payload}");
        }
        assert!(refusal("workflow_run", "o/r", None).is_some_and(|why| why.contains("help:")));
    }
}
