//! A stand-in of GitHub's REST API on a port of this machine: the comments of one pull request, as the public documentation of
//! "issue comments" describes them.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How the next requests are answered, before the API is asked.
pub enum Trouble {
    /// With this status and header, and a message.
    Answer(u16, &'static str, &'static str),
    /// Not at all.
    Silence,
}

#[derive(Default)]
struct State {
    comments: Vec<(u64, String, String)>,
    troubles: VecDeque<(&'static str, Trouble)>,
    requests: Vec<String>,
    /// The legs that look for a comment wait for one another.
    race: Option<Arc<Barrier>>,
    racing: usize,
    /// Answers by path, for what is not about comments.
    pages: Vec<(String, Value)>,
}

pub struct Api {
    pub root: String,
    state: Arc<Mutex<State>>,
}

/// The only token that may write.
pub const TOKEN: &str = "ghs_secret";

impl Api {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { root, state }
    }

    pub fn write(&self, author: &str, body: &str) {
        let mut state = self.state.lock().unwrap();
        let id = state.comments.len() as u64 + 1;
        state.comments.push((id, author.to_owned(), body.to_owned()));
    }

    pub fn trouble(&self, to: &'static str, trouble: Trouble) {
        self.state.lock().unwrap().troubles.push_back((to, trouble));
    }

    /// The next looks of so many legs are answered together.
    pub fn race(&self, legs: usize) {
        let mut state = self.state.lock().unwrap();
        (state.race, state.racing) = (Some(Arc::new(Barrier::new(legs))), legs);
    }

    pub fn page(&self, path: &str, answer: Value) {
        self.state.lock().unwrap().pages.push((path.to_owned(), answer));
    }

    pub fn bodies(&self) -> Vec<String> {
        self.state.lock().unwrap().comments.iter().map(|(_, _, body)| body.clone()).collect()
    }

    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

struct Asked {
    line: String,
    token: String,
    body: Value,
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (mut length, mut token) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim();
        let Some((name, value)) = header.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, token, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(asked) = read(&stream) else { return };
    let (status, header, body) = {
        let mut known = state.lock().unwrap();
        known.requests.push(asked.line.clone());
        let index = known.troubles.iter().position(|(to, _)| asked.line.starts_with(to));
        match index.and_then(|index| known.troubles.remove(index)) {
            Some((_, Trouble::Answer(status, header, message))) => {
                (status, header.to_owned(), json!({ "message": message }))
            }
            Some((_, Trouble::Silence)) => return,
            None => answer(&mut known, &asked),
        }
    };
    let race = {
        let mut known = state.lock().unwrap();
        let is_look = asked.line.starts_with("GET ") && asked.line.contains("/comments?");
        if is_look && known.racing > 0 {
            known.racing -= 1;
            known.race.clone()
        } else {
            None
        }
    };
    if let Some(race) = race {
        race.wait();
    }
    let body = body.to_string();
    let header = if header.is_empty() { header } else { header + "\r\n" };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n", body.len());
    let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn answer(state: &mut State, asked: &Asked) -> (u16, String, Value) {
    const NONE: String = String::new();
    let (method, path) = asked.line.split_once(' ').unwrap_or_default();
    if let Some((_, page)) = state.pages.iter().find(|(known, _)| known == path) {
        return (200, NONE, page.clone());
    }
    let may_write = asked.token == TOKEN;
    let text = || asked.body["body"].as_str().unwrap_or_default().to_owned();
    let is_long = text().chars().count() > 65_536;
    let known = |state: &State, path: &str| {
        let id: u64 = path.rsplit('/').next()?.parse().ok()?;
        state.comments.iter().position(|(known, ..)| *known == id)
    };
    match (method, path.split_once('?').unwrap_or((path, ""))) {
        ("GET", ("/user", _)) => (403, NONE, json!({ "message": "Resource not accessible by integration" })),
        (_, (path, _)) if !path.starts_with("/repos/o/r/issues/") => (404, NONE, json!({ "message": "Not Found" })),
        ("GET", (_, query)) => {
            let number = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.parse::<usize>().ok());
            let (size, page) = (number("per_page=").unwrap_or(30), number("page=").unwrap_or(1));
            let shown: Vec<Value> = state.comments.iter().skip((page - 1) * size).take(size).map(comment).collect();
            let more = state.comments.len() > page * size;
            (200, if more { "Link: <https://x.test/?page=2>; rel=\"next\"".to_owned() } else { NONE }, json!(shown))
        }
        _ if !may_write => (403, NONE, json!({ "message": "Resource not accessible by integration" })),
        ("POST" | "PATCH", _) if is_long => (
            422,
            NONE,
            json!({ "message": "Validation Failed", "errors": ["body is too long (maximum is 65536 characters)"] }),
        ),
        ("POST", _) => {
            let id = state.comments.iter().map(|(id, ..)| *id).max().unwrap_or(0) + 1;
            state.comments.push((id, "github-actions[bot]".to_owned(), text()));
            (201, NONE, comment(&state.comments[state.comments.len() - 1]))
        }
        ("PATCH", (path, _)) if known(state, path).is_some() => {
            let index = known(state, path).unwrap_or(0);
            state.comments[index].2 = text();
            (200, NONE, comment(&state.comments[index]))
        }
        ("DELETE", (path, _)) if known(state, path).is_some() => {
            let index = known(state, path).unwrap_or(0);
            state.comments.remove(index);
            (204, NONE, Value::Null)
        }
        _ => (404, NONE, json!({ "message": "Not Found" })),
    }
}

fn comment((id, author, body): &(u64, String, String)) -> Value {
    json!({ "id": id, "html_url": format!("https://github.example/c/{id}"), "body": body, "user": { "login": author } })
}
