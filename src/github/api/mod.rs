//! GitHub's REST API, as far as a comment on a pull request needs it: "REST API endpoints for issue comments", "Using pagination
//! in the REST API" and "Best practices for using the REST API" in GitHub's documentation.

mod http;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use http::{Curl, Transport};
use http::{Method, Request, Response, SendError};

use super::event::PullRun;

/// How often something is tried.
const TRIES: u32 = 3;
/// A job does not wait longer than this for its comment.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most that the API gives at once.
const PAGE: usize = 100;
/// Ten thousand comments.
const PAGES: usize = 100;
/// Who comments with the token of a job.
const JOB: &str = "github-actions[bot]";

/// A comment as the API gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) html_url: String,
    pub(crate) body: Option<String>,
    user: Option<Author>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Author {
    login: String,
}

impl Comment {
    /// Who wrote it; None for an account that is gone.
    pub(crate) fn author(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.login.as_str())
    }
}

/// Why the API did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The token may not. Nothing is wrong with the request.
    Denied(String),
    /// It never will.
    Refused(String),
    /// It was too busy, or out of reach, as often as was tried.
    Busy(String),
}

impl ApiError {
    /// A sentence for people, without a full stop.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Denied(why) | Self::Refused(why) | Self::Busy(why) => why,
        }
    }
}

/// How a single request came out, where it did not succeed.
enum Failure {
    Final(ApiError),
    /// Worth another try after this time; without one, after a while.
    Passing(String, Option<Duration>),
}

/// The API of one repository.
pub(crate) struct Api<'a> {
    transport: &'a dyn Transport,
    wait: &'a dyn Fn(Duration),
    /// Without a slash at its end.
    root: String,
    /// `owner/name`.
    repository: String,
    token: String,
}

impl<'a> Api<'a> {
    /// `wait` is how time is passed.
    ///
    /// # Errors
    /// When the repository or the token can be neither.
    pub(crate) fn new(
        transport: &'a dyn Transport,
        wait: &'a dyn Fn(Duration),
        root: &str,
        repository: &str,
        token: &str,
    ) -> Result<Self, ApiError> {
        let is_name = |name: &str| {
            !name.is_empty() && name != ".." && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if !repository.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name)) {
            return Err(ApiError::Refused(format!("`{}` is no repository", repository.escape_debug())));
        }
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(ApiError::Denied("there is no token to comment with".to_owned()));
        }
        let root = root.trim_end_matches('/').to_owned();
        Ok(Self { transport, wait, root, repository: repository.to_owned(), token: token.to_owned() })
    }

    /// Whose token it is. A job's token may not ask: its comments are those of GitHub Actions.
    pub(crate) fn login(&self) -> Result<String, ApiError> {
        match self.json::<Author>(Method::Get, &format!("{}/user", self.root), None) {
            Ok(user) => Ok(user.login),
            Err(ApiError::Denied(_)) => Ok(JOB.to_owned()),
            Err(error) => Err(error),
        }
    }

    /// The number of the open pull request whose branch and last commit are those of a run: by the API's word alone.
    pub(crate) fn pull_of(&self, run: &PullRun) -> Result<Option<u64>, ApiError> {
        #[derive(Deserialize)]
        struct Pull {
            number: u64,
            head: Head,
        }
        #[derive(Deserialize)]
        struct Head {
            sha: String,
            repo: Option<Repository>,
        }
        #[derive(Deserialize)]
        struct Repository {
            id: u64,
        }
        let (owner, branch) = (encode(&run.owner), encode(&run.branch));
        let (root, repository) = (&self.root, &self.repository);
        let url = format!("{root}/repos/{repository}/pulls?state=open&per_page={PAGE}&head={owner}:{branch}");
        let pulls: Vec<Pull> = self.json(Method::Get, &url, None)?;
        let is_of = |pull: &Pull| {
            pull.head.sha == run.head && pull.head.repo.as_ref().is_some_and(|from| from.id == run.repository)
        };
        Ok(pulls.iter().find(|pull| is_of(pull)).map(|pull| pull.number))
    }

    /// The first comment that is `wanted`. The API gives the oldest first.
    pub(crate) fn find(&self, pull: u64, wanted: impl Fn(&Comment) -> bool) -> Result<Option<Comment>, ApiError> {
        for page in 1..=PAGES {
            let url = format!("{}/{pull}/comments?per_page={PAGE}&page={page}", self.issues());
            let response = self.send(Method::Get, &url, None)?;
            let comments: Vec<Comment> = read(&response)?;
            if let Some(comment) = comments.into_iter().find(|comment| wanted(comment)) {
                return Ok(Some(comment));
            }
            // What the link says is only asked whether there is more: the token goes to no address that an answer names.
            if !response.header("link").is_some_and(|link| link.contains("rel=\"next\"")) {
                break;
            }
        }
        Ok(None)
    }

    /// Writes a new comment. What was not answered is asked about before it is written again.
    pub(crate) fn create(&self, pull: u64, body: &str) -> Result<Comment, CreateError> {
        let url = format!("{}/{pull}/comments", self.issues());
        let response = self.once(Method::Post, &url, Some(&json!({ "body": body })));
        match response {
            Ok(response) => read(&response).map_err(CreateError::Final),
            Err(Failure::Final(error)) => Err(CreateError::Final(error)),
            Err(Failure::Passing(why, wait)) => Err(CreateError::Unclear(why, wait)),
        }
    }

    pub(crate) fn update(&self, id: u64, body: &str) -> Result<Comment, ApiError> {
        self.json(Method::Patch, &format!("{}/comments/{id}", self.issues()), Some(&json!({ "body": body })))
    }

    pub(crate) fn delete(&self, id: u64) -> Result<(), ApiError> {
        self.send(Method::Delete, &format!("{}/comments/{id}", self.issues()), None).map(drop)
    }

    /// Passes the time before a further try; None when there is to be none.
    pub(crate) fn pause(&self, tried: u32, asked: Option<Duration>) -> Option<()> {
        let wait = asked.unwrap_or(Duration::from_secs(1) * 4u32.pow(tried.saturating_sub(1).min(8)));
        if tried >= TRIES || wait > PATIENCE {
            return None;
        }
        (self.wait)(wait);
        Some(())
    }

    fn issues(&self) -> String {
        format!("{}/repos/{}/issues", self.root, self.repository)
    }

    fn json<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        read(&self.send(method, url, body)?)
    }

    /// Sends what may be sent twice, until it is answered.
    fn send(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Response, ApiError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.once(method, url, body) {
                Ok(response) => return Ok(response),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(why, wait)) => self.pause(tried, wait).ok_or(ApiError::Busy(why))?,
            }
        }
    }

    fn once(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Response, Failure> {
        let headers = vec![
            format!("Authorization: Bearer {}", self.token),
            "Accept: application/vnd.github+json".to_owned(),
            "X-GitHub-Api-Version: 2022-11-28".to_owned(),
            concat!("User-Agent: memguard/", env!("CARGO_PKG_VERSION")).to_owned(),
        ];
        let request = Request { method, url: url.to_owned(), headers, body: body.map(Value::to_string) };
        let response = self.transport.send(&request).map_err(|error| match error {
            SendError::NoClient(why) => Failure::Final(ApiError::Refused(why)),
            SendError::NoAnswer(why) => Failure::Passing(format!("GitHub did not answer: {why}"), None),
        })?;
        match response.status {
            200..300 => Ok(response),
            _ => Err(judge(&response)),
        }
    }
}

/// Why a comment was not created.
pub(crate) enum CreateError {
    Final(ApiError),
    /// It may be there: look again, after this time.
    Unclear(String, Option<Duration>),
}

/// What an answer other than success means.
fn judge(response: &Response) -> Failure {
    let status = response.status;
    let message = message(&response.body);
    let why = format!("GitHub answered {status}: {message}");
    let is_limited = response.header("retry-after").is_some()
        || response.header("x-ratelimit-remaining") == Some("0")
        || message.to_ascii_lowercase().contains("rate limit");
    match status {
        429 => Failure::Passing(why, Some(limited_for(response))),
        403 if is_limited => Failure::Passing(why, Some(limited_for(response))),
        401 | 403 | 404 => Failure::Final(ApiError::Denied(why)),
        500.. => Failure::Passing(why, retry_after(response)),
        _ => Failure::Final(ApiError::Refused(why)),
    }
}

/// As the documentation says: as long as it is told, or a minute.
fn limited_for(response: &Response) -> Duration {
    let reset = || {
        let at: i64 = response.header("x-ratelimit-reset")?.parse().ok()?;
        let left = at.saturating_sub(jiff::Timestamp::now().as_second());
        (response.header("x-ratelimit-remaining") == Some("0"))
            .then_some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
    };
    retry_after(response).or_else(reset).unwrap_or(Duration::from_secs(60))
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.header("retry-after")?.parse().ok().map(Duration::from_secs)
}

/// As a value in a URL's query.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

/// What GitHub says of an error, in a few words that are safe to print.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
        #[serde(default)]
        errors: Vec<Value>,
    }
    let Ok(said) = serde_json::from_slice::<Said>(body) else { return "no more than that".to_owned() };
    let detail = said.errors.first().and_then(|error| error.get("message").unwrap_or(error).as_str());
    let text = detail.map_or_else(|| said.message.clone(), |detail| format!("{} ({detail})", said.message));
    text.chars().map(|c| if c.is_control() || c == '`' { ' ' } else { c }).take(200).collect()
}

fn read<T: for<'de> Deserialize<'de>>(response: &Response) -> Result<T, ApiError> {
    serde_json::from_slice(&response.body)
        .map_err(|error| ApiError::Refused(format!("GitHub's answer can't be read: {error}")))
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
