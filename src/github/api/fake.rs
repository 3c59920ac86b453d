//! GitHub's comments as its documentation describes them, in memory, for tests.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Method, Request, Response, SendError, Transport};
use super::{Api, ApiError};

/// An answer that is given before any other.
pub(crate) enum Trouble {
    /// Instead of carrying out what was asked.
    Answer(u16, &'static str, &'static str),
    /// Carried out, but the answer is lost.
    Lost,
}

#[derive(Default)]
pub(crate) struct GitHub {
    pub(crate) comments: RefCell<Vec<(u64, String, String)>>,
    /// Whose token it is; None for a job's, which may not ask.
    pub(crate) login: Option<&'static str>,
    /// For requests that begin so: `POST`, or `GET /repos`.
    pub(crate) troubles: RefCell<VecDeque<(&'static str, Trouble)>>,
    /// What another leg writes right after our first look.
    pub(crate) rival: RefCell<Option<(u64, &'static str, String)>>,
    pub(crate) asked: RefCell<Vec<String>>,
    pub(crate) waited: RefCell<Vec<u64>>,
    pub(crate) next: Cell<u64>,
}

impl GitHub {
    pub(crate) fn with(comments: &[(u64, &str, &str)]) -> Self {
        let comments = comments.iter().map(|(id, author, body)| (*id, (*author).to_owned(), (*body).to_owned()));
        Self { comments: RefCell::new(comments.collect()), next: Cell::new(1000), ..Self::default() }
    }

    pub(crate) fn trouble(self, to: &'static str, trouble: Trouble) -> Self {
        self.troubles.borrow_mut().push_back((to, trouble));
        self
    }

    pub(crate) fn talk<T>(&self, with: impl FnOnce(&Api<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let wait = |time: Duration| self.waited.borrow_mut().push(time.as_secs());
        with(&Api::new(self, &wait, "http://api.test/", "o/r", "token")?)
    }

    /// The author and the text of each comment.
    pub(crate) fn said(&self) -> Vec<(String, String)> {
        self.comments.borrow().iter().map(|(_, author, body)| (author.clone(), body.clone())).collect()
    }

    fn name(&self) -> String {
        self.login.unwrap_or("github-actions[bot]").to_owned()
    }

    fn list(&self, query: &str) -> Response {
        let number = |name: &str| {
            query
                .split('&')
                .find_map(|part| part.strip_prefix(name))
                .and_then(|text| text.parse::<usize>().ok())
                .unwrap()
        };
        let (size, page) = (number("per_page="), number("page="));
        assert!((1..=100).contains(&size) && page >= 1);
        let comments = self.comments.borrow();
        let shown = comments.iter().skip((page - 1) * size).take(size);
        let shown: Vec<Value> = shown.map(|(id, author, body)| comment(*id, author, body)).collect();
        let more = comments.len() > page * size;
        drop(comments);
        if let Some((id, author, body)) = self.rival.borrow_mut().take() {
            self.comments.borrow_mut().push((id, author.to_owned(), body));
        }
        let link = "<http://evil.test/?page=2>; rel=\"next\", <http://evil.test/?page=9>; rel=\"last\"";
        answer(200, if more { link } else { "" }, &json!(shown))
    }

    fn carry_out(&self, request: &Request, path: &str) -> Response {
        let body = || {
            let value: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
            value["body"].as_str().unwrap().to_owned()
        };
        let at = |id: u64| self.comments.borrow().iter().position(|(known, ..)| *known == id);
        let id = path.rsplit('/').next().unwrap().parse().unwrap_or(0);
        match (request.method, path.split_once('?').unwrap_or((path, ""))) {
            (Method::Get, ("/user", _)) => match self.login {
                Some(login) => answer(200, "", &json!({ "login": login })),
                None => answer(403, "", &json!({ "message": "Resource not accessible by integration" })),
            },
            (Method::Get, ("/repos/o/r/issues/7/comments", query)) => self.list(query),
            (Method::Post, ("/repos/o/r/issues/7/comments", _)) => {
                let id = self.next.replace(self.next.get() + 1);
                self.comments.borrow_mut().push((id, self.name(), body()));
                answer(201, "", &comment(id, &self.name(), &body()))
            }
            (Method::Patch, _) if at(id).is_some() => {
                let index = at(id).unwrap();
                self.comments.borrow_mut()[index].2 = body();
                answer(200, "", &comment(id, &self.name(), &body()))
            }
            (Method::Delete, _) if at(id).is_some() => {
                let index = at(id).unwrap();
                self.comments.borrow_mut().remove(index);
                answer(204, "", &Value::Null)
            }
            _ => answer(404, "", &json!({ "message": "Not Found" })),
        }
    }
}

impl Transport for GitHub {
    fn send(&self, request: &Request) -> Result<Response, SendError> {
        let path = request.url.strip_prefix("http://api.test").expect("the token goes to the API alone");
        assert!(request.headers.iter().any(|header| header == "Authorization: Bearer token"));
        let asked = format!("{:?} {path}", request.method);
        self.asked.borrow_mut().push(asked.clone());
        let index = self.troubles.borrow().iter().position(|(to, _)| asked.starts_with(to));
        match index.and_then(|index| self.troubles.borrow_mut().remove(index)) {
            Some((_, Trouble::Answer(status, header, message))) => {
                Ok(headed(answer(status, "", &json!({ "message": message })), header))
            }
            Some((_, Trouble::Lost)) => {
                self.carry_out(request, path);
                Err(SendError::NoAnswer("(28) timed out".to_owned()))
            }
            None => Ok(self.carry_out(request, path)),
        }
    }
}

fn comment(id: u64, author: &str, body: &str) -> Value {
    json!({ "id": id, "html_url": format!("http://html.test/{id}"), "body": body, "user": { "login": author } })
}

fn answer(status: u16, link: &str, body: &Value) -> Response {
    let headers = if link.is_empty() { Vec::new() } else { vec![("link".to_owned(), link.to_owned())] };
    Response { status, headers, body: body.to_string().into_bytes() }
}

fn headed(mut response: Response, header: &str) -> Response {
    response.headers.extend(header.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
    response
}
