use super::fake::{GitHub, Trouble};
use super::*;

fn found(github: &GitHub, id: u64) -> Result<Option<u64>, ApiError> {
    github.talk(|api| api.find(7, |comment| comment.id == id)).map(|found| found.map(|comment| comment.id))
}

#[test]
fn all_pages_are_read_until_it_is_found_and_no_further() {
    let comments: Vec<(u64, &str, &str)> = (1..=250).map(|id| (id, "a", "b")).collect();
    let github = GitHub::with(&comments);
    assert_eq!(found(&github, 201), Ok(Some(201)));
    assert_eq!(github.asked.borrow().len(), 3);
    assert_eq!(found(&github, 3), Ok(Some(3)));
    assert_eq!(github.asked.borrow().len(), 4);
    assert_eq!(found(&github, 999), Ok(None));
    assert_eq!(github.asked.borrow().len(), 7);
}

#[expect(clippy::redundant_closure_for_method_calls, reason = "a method named alone fits one lifetime only")]
#[test]
fn whose_token_it_is_is_asked_or_that_of_a_job() {
    assert_eq!(GitHub::default().talk(|api| api.login()), Ok(JOB.to_owned()));
    let github = GitHub { login: Some("me"), ..GitHub::default() };
    assert_eq!(github.talk(|api| api.login()), Ok("me".to_owned()));
}

#[test]
fn what_the_token_may_not_is_told_and_not_tried_again() {
    for status in [401, 403, 404] {
        let github = GitHub::default().trouble("Get", Trouble::Answer(status, "", "Resource not\n`accessible"));
        let error = found(&github, 1).unwrap_err();
        assert_eq!(error, ApiError::Denied(format!("GitHub answered {status}: Resource not  accessible")));
        assert_eq!(github.asked.borrow().len(), 1);
    }
}

#[test]
fn what_is_wrong_for_ever_is_not_tried_again() {
    for status in [301, 410, 422] {
        let github = GitHub::default().trouble("Patch", Trouble::Answer(status, "", "Validation Failed"));
        let error = github.talk(|api| api.update(1, "x")).unwrap_err();
        assert_eq!(error, ApiError::Refused(format!("GitHub answered {status}: Validation Failed")));
        assert_eq!(github.asked.borrow().len(), 1);
    }
}

#[test]
fn a_limit_is_waited_for_as_long_as_it_asks() {
    for (status, header, message, waited) in [
        (429, "retry-after: 7", "", 7),
        (403, "retry-after: 3", "", 3),
        (429, "", "", 60),
        (403, "", "You have exceeded a secondary rate limit", 60),
        (403, "x-ratelimit-remaining: 0", "API rate limit exceeded", 60),
        (503, "retry-after: 2", "", 2),
    ] {
        let github = GitHub::default().trouble("Get", Trouble::Answer(status, header, message));
        assert_eq!(found(&github, 1), Ok(None));
        assert_eq!(*github.waited.borrow(), [waited], "{status} {header}");
    }
}

#[test]
fn a_long_limit_is_not_waited_for() {
    let github = GitHub::default().trouble("Get", Trouble::Answer(429, "retry-after: 3600", "slow down"));
    assert_eq!(found(&github, 1), Err(ApiError::Busy("GitHub answered 429: slow down".to_owned())));
    assert!(github.waited.borrow().is_empty());
}

#[test]
fn a_server_in_trouble_is_asked_three_times() {
    let mut github = GitHub::default();
    for _ in 0..3 {
        github = github.trouble("Get", Trouble::Answer(502, "", ""));
    }
    assert!(matches!(found(&github, 1), Err(ApiError::Busy(_))));
    assert_eq!(*github.waited.borrow(), [1, 4]);
    let github = GitHub::default().trouble("Get", Trouble::Lost).trouble("Get", Trouble::Answer(500, "", ""));
    assert_eq!(found(&github, 1), Ok(None));
}

#[test]
fn the_reset_of_a_limit_is_a_time_and_what_is_past_is_now() {
    let response = |reset: i64| {
        let headers = [("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset.to_string())];
        Response { headers: headers.map(|(name, value)| (name.to_owned(), value)).into(), ..Response::default() }
    };
    assert_eq!(limited_for(&response(0)), Duration::ZERO);
    let in_an_hour = jiff::Timestamp::now().as_second() + 3600;
    assert!(limited_for(&response(in_an_hour)) > PATIENCE);
    assert_eq!(limited_for(&response(i64::MAX)).as_secs().leading_zeros(), 1);
}

#[test]
fn the_token_is_sent_for_no_repository_that_is_none() {
    let refused = |repository: &str, token: &str| {
        Api::new(&GitHub::default(), &|_| (), "http://api.test", repository, token).map(|_| ()).is_err()
    };
    for repository in ["", "o", "o/r/x", "../x", "o/..", "o/r?x", "o/r#", "o /r"] {
        assert!(refused(repository, "token"), "{repository}");
    }
    assert!(refused("o/r", "") && refused("o/r", "a\nb") && !refused("o-1/r.x_y", "ghs_1"));
}
