//! One request and its answer, carried by `curl`.
//!
//! GitHub is spoken to by TLS alone. A TLS library of our own would be a third of the program, need a C compiler for every system
//! it is built for, and know neither the proxy nor the certificates of a company's runner. `curl` is on every runner that GitHub
//! hosts, on macOS and on Windows, and knows both. It is told everything by its standard input, so that no other process sees
//! the token in a list of arguments; only the text to send is put into a file.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::github::secret;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The whole of it, with the server.
    pub(crate) url: String,
    /// Each as `name: value`.
    pub(crate) headers: Vec<String>,
    /// JSON.
    pub(crate) body: Option<String>,
}

/// What came back, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// There is nothing to send with: another try is of no use.
    NoClient(String),
    /// No connection, or no answer in time. What was sent may have been carried out.
    NoAnswer(String),
}

/// What carries requests.
pub(crate) trait Transport {
    /// Sends one and waits for its answer.
    fn send(&self, request: &Request) -> Result<Response, SendError>;
}

/// The program `curl`.
#[derive(Debug)]
pub(crate) struct Curl {
    program: PathBuf,
    /// Where the text to send is put.
    scratch: PathBuf,
}

/// In seconds, for one request.
const LONGEST: u32 = 30;

impl Curl {
    pub(crate) fn new(scratch: &Path) -> Self {
        Self { program: "curl".into(), scratch: scratch.to_owned() }
    }

    fn no_client(&self, why: &std::io::Error) -> SendError {
        let program = self.program.display();
        SendError::NoClient(match why.kind() {
            ErrorKind::NotFound => format!("there is no `{program}` on this machine to send it with"),
            _ => format!("could not start `{program}`: {why}"),
        })
    }
}

impl Transport for Curl {
    fn send(&self, request: &Request) -> Result<Response, SendError> {
        let body = request.body.as_deref().map(|text| Scratch::write(&self.scratch, text)).transpose();
        let body = body.map_err(|error| {
            SendError::NoClient(format!("could not write to `{}`: {error}", self.scratch.display()))
        })?;
        let script = script(request, body.as_ref().map(|file| file.0.as_path()));
        // `--disable` must come first: no ~/.curlrc changes what is sent.
        let child = Command::new(&self.program)
            .args(["--disable", "--config", "-"])
            .env_remove("GITHUB_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let ended = child.and_then(|child| hand_over(child, &script)).map_err(|error| self.no_client(&error))?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            return Err(SendError::NoAnswer(said.trim().trim_start_matches("curl: ").to_owned()));
        }
        parse(&ended.stdout).ok_or_else(|| SendError::NoAnswer("the answer is not one of HTTP".to_owned()))
    }
}

fn hand_over(mut child: Child, script: &str) -> std::io::Result<std::process::Output> {
    if let Some(mut to) = child.stdin.take() {
        // Where it ended before it read, its exit status says why.
        let _ = to.write_all(script.as_bytes());
    }
    child.wait_with_output()
}

/// The text of a request, in a file as long as this lives.
struct Scratch(PathBuf);

impl Scratch {
    fn write(folder: &Path, text: &str) -> std::io::Result<Self> {
        let path = folder.join(format!("memguard-{}.json", secret()));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let written = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(written)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the runner's own temporary folder goes with the job.
        let _ = fs::remove_file(&self.0);
    }
}

/// What `curl` is told: the grammar of its `--config`.
fn script(request: &Request, body: Option<&Path>) -> String {
    let mut out = String::new();
    let mut option = |name: &str, value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
        let _ = writeln!(out, "{name} = \"{value}\"");
    };
    option("url", &request.url);
    option("request", request.method.name());
    for header in &request.headers {
        option("header", header);
    }
    // A proxy's `100 Continue` is only one more thing to wait for.
    option("header", "Expect:");
    if let Some(body) = body {
        option("header", "Content-Type: application/json");
        option("data-binary", &format!("@{}", body.display()));
    }
    option("max-time", &LONGEST.to_string());
    option("proto", "=http,https");
    for switch in ["globoff", "include", "silent", "show-error", "suppress-connect-headers"] {
        let _ = writeln!(out, "{switch}");
    }
    out
}

/// Reads an answer with its head; those that only announce another are passed over.
fn parse(mut answer: &[u8]) -> Option<Response> {
    loop {
        let (head, body) = split_head(answer)?;
        let mut lines = head.lines();
        let status = lines.next()?.strip_prefix("HTTP/")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
        if (100..200).contains(&status) {
            answer = body;
            continue;
        }
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        return Some(Response { status, headers, body: body.to_vec() });
    }
}

fn split_head(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&answer[..end]).into_owned(), &answer[end + 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Request {
        let headers = vec!["Authorization: Bearer a\"\nurl = \"http://other".to_owned()];
        Request { method: Method::Patch, url: "http://127.0.0.1:9/x?a=[1-3]".into(), headers, body: Some("{}".into()) }
    }

    #[test]
    fn nothing_in_a_value_is_an_option() {
        let script = script(&request(), Some(Path::new("a.json")));
        assert_eq!(script.lines().filter(|line| line.starts_with("url")).count(), 1, "{script}");
        assert!(script.contains(r#"header = "Authorization: Bearer a\"\nurl = \"http://other""#), "{script}");
        assert!(script.contains("data-binary = \"@a.json\"") && script.contains("globoff"), "{script}");
    }

    #[test]
    fn an_announcement_before_the_answer_is_passed_over() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 403 \r\nRetry-After: 7\r\nx: y\r\n\r\n{}\r\n\r\n";
        let response = parse(answer).unwrap();
        assert_eq!(
            (response.status, response.header("retry-after"), response.body.as_slice()),
            (403, Some("7"), b"{}\r\n\r\n".as_slice())
        );
        assert_eq!(response.header("link"), None);
        assert_eq!(parse(b"SSH-2.0"), None);
    }

    #[test]
    fn a_missing_program_is_told_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let curl = Curl { program: "no-such-curl".into(), scratch: folder.path().to_owned() };
        let error = curl.send(&request()).unwrap_err();
        assert!(matches!(&error, SendError::NoClient(why) if why.contains("no `no-such-curl`")), "{error:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), head in "HTTP/[ -~]{0,20}") {
            let _ = parse(&bytes);
            let _ = parse(&[head.as_bytes(), b"\r\n\r\n", &bytes].concat());
        }
    }
}
