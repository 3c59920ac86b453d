use super::*;
use crate::github::api::fake::{GitHub, Trouble};
use proptest::prelude::*;

const BOT: &str = "github-actions[bot]";

fn message(standing: Standing, is_news: bool) -> Message {
    Message { markdown: "## Memory: `a`\n\nall of it\n".into(), standing, is_news }
}

fn origin(run: u64) -> Origin {
    Origin { key: "memguard".into(), run, page: Some("http://run.test".into()), commit: "0123456789abcdef".into() }
}

fn written(standing: Standing, run: u64) -> String {
    compose(&message(standing, true), &origin(run), None)
}

fn say(github: &GitHub, mode: Mode, standing: Standing, run: u64) -> Result<Put, ApiError> {
    github.talk(|api| put(api, 7, mode, &message(standing, false), &origin(run)))
}

#[test]
fn a_comment_is_written_once_and_then_over() {
    let github = GitHub::with(&[]);
    assert_eq!(say(&github, Mode::Always, Standing::Red, 1), Ok(Put::Created("http://html.test/1000".into())));
    assert_eq!(say(&github, Mode::Always, Standing::Red, 2), Ok(Put::Updated("http://html.test/1000".into())));
    let said = github.said();
    assert_eq!(said.len(), 1);
    assert_eq!(
        said[0].1,
        "<!-- memguard comment memguard red run 2 commit 0123456789abcdef -->\n## Memory: `a`\n\nall of it\n\n\
         Measured at `0123456`, [run 2](http://run.test).\n"
    );
}

#[test]
fn was_red_now_green_is_said_once() {
    let github = GitHub::with(&[]);
    for (run, standing) in [(1, Standing::Red), (2, Standing::Green)] {
        say(&github, Mode::OnFailure, standing, run).unwrap();
    }
    assert!(github.said()[0].1.contains("## Memory: `a`\n\nIt was red at `0123456`, and is green now.\n"));
    say(&github, Mode::OnFailure, Standing::Green, 3).unwrap();
    assert!(!github.said()[0].1.contains("It was"));
}

#[test]
fn a_comment_begins_when_the_mode_says() {
    for (mode, standing, is_news, begins) in [
        (Mode::Never, Standing::Red, true, false),
        (Mode::OnFailure, Standing::Green, true, false),
        (Mode::OnFailure, Standing::Red, false, true),
        (Mode::OnChange, Standing::Green, false, false),
        (Mode::OnChange, Standing::Green, true, true),
        (Mode::OnChange, Standing::Red, false, true),
        (Mode::Always, Standing::Green, false, true),
    ] {
        let github = GitHub::with(&[]);
        let put = github.talk(|api| put(api, 7, mode, &message(standing, is_news), &origin(1))).unwrap();
        assert_eq!(put != Put::Unasked, begins, "{mode:?} {standing:?} {is_news}");
    }
}

#[test]
fn nobody_elses_comment_is_written_over() {
    let mark = written(Standing::Red, 1);
    let quoted = format!("> look:\n{mark}");
    let other = mark.replace(" memguard red", " other red");
    let github = GitHub::with(&[(1, "mallory", &mark), (2, BOT, &quoted), (3, BOT, &other), (4, BOT, "hello")]);
    assert!(matches!(say(&github, Mode::Always, Standing::Green, 2), Ok(Put::Created(_))));
    assert_eq!(github.said().len(), 5);
    assert_eq!(github.said()[0].1, mark);
    let mine = GitHub { login: Some("Me"), ..GitHub::with(&[(1, "me", &mark)]) };
    assert!(matches!(say(&mine, Mode::Always, Standing::Green, 2), Ok(Put::Updated(_))));
}

#[test]
fn the_oldest_wins_beyond_the_first_page() {
    let mark = written(Standing::Red, 1);
    let mut comments: Vec<(u64, &str, &str)> = (1..=150).map(|id| (id, "a", "b")).collect();
    comments.extend([(200, BOT, mark.as_str()), (201, BOT, mark.as_str())]);
    let github = GitHub::with(&comments);
    assert_eq!(say(&github, Mode::Always, Standing::Red, 2), Ok(Put::Updated("http://html.test/200".into())));
}

#[test]
fn of_two_legs_that_look_at_the_same_time_one_comment_stays() {
    let github = GitHub::with(&[]);
    *github.rival.borrow_mut() = Some((999, BOT, written(Standing::Red, 2)));
    assert_eq!(say(&github, Mode::Always, Standing::Green, 2), Ok(Put::Updated("http://html.test/999".into())));
    let said = github.said();
    assert_eq!(said.len(), 1);
    assert!(said[0].1.contains("It was red"), "{}", said[0].1);
}

#[test]
fn an_app_that_can_not_ask_its_name_learns_it_from_its_comment() {
    let github = GitHub::with(&[(1, "app[bot]", &written(Standing::Red, 1))]);
    // It is another that answers to this token, and `/user` is denied.
    let github = GitHub { login: Some("app[bot]"), ..github }.trouble("Get /user", Trouble::Answer(403, "", "no"));
    assert_eq!(say(&github, Mode::Always, Standing::Green, 2), Ok(Put::Updated("http://html.test/1".into())));
    assert_eq!(github.said().len(), 1);
}

#[test]
fn an_answer_that_was_lost_leaves_no_second_comment() {
    let github = GitHub::with(&[]).trouble("Post", Trouble::Lost);
    assert_eq!(say(&github, Mode::Always, Standing::Red, 1), Ok(Put::Updated("http://html.test/1000".into())));
    assert_eq!((github.said().len(), &*github.waited.borrow()), (1, &vec![1]));
}

#[test]
fn a_run_that_was_overtaken_is_silent() {
    let late = written(Standing::Green, 9);
    let github = GitHub::with(&[(1, BOT, &late)]);
    assert_eq!(say(&github, Mode::Always, Standing::Red, 8), Ok(Put::Outrun));
    assert_eq!(github.said()[0].1, late);
    assert!(matches!(say(&github, Mode::Always, Standing::Red, 9), Ok(Put::Updated(_))), "a second attempt");
}

#[test]
fn a_server_that_stays_in_trouble_is_given_up() {
    let mut github = GitHub::with(&[]);
    for _ in 0..3 {
        github = github.trouble("Post", Trouble::Answer(500, "", "oops"));
    }
    assert_eq!(say(&github, Mode::Always, Standing::Red, 1), Err(ApiError::Busy("GitHub answered 500: oops".into())));
    assert!(github.said().is_empty());
}

proptest! {
    #[test]
    fn a_comment_has_room_and_is_known_again(
        key in "\\PC{0,200}", text in "(\\PC{0,400}\n|```\n){0,40}", times in 1usize..400, commit in "\\PC{0,60}"
    ) {
        let markdown = text.repeat(times);
        let origin = Origin { key: key.clone(), commit, ..origin(u64::MAX) };
        let body = compose(&Message { markdown, ..message(Standing::Red, true) }, &origin, None);
        prop_assert!(body.len() < 65_536);
        let mark = Mark::read(&body);
        prop_assert!(mark.is_some_and(|mark| mark.key == encode(&key) && mark.run == u64::MAX));
        let line = body.lines().next().unwrap_or_default();
        prop_assert_eq!(line.matches('>').count(), 1);
        prop_assert_eq!(line.matches("--").count(), 2);
    }

    #[test]
    fn a_cut_text_leaves_no_fence_open(lines in prop::collection::vec("```|[a-z]{0,30}", 0..60), most in 0usize..900) {
        let fences: usize = lines.iter().filter(|line| line.starts_with("```")).count();
        let text = lines.join("\n") + if fences % 2 == 1 { "\n```" } else { "" };
        let cut = cut(&text, most);
        let open = cut.lines().filter(|line| line.starts_with("```")).count() % 2;
        prop_assert_eq!(open, 0, "{}", cut);
    }

    #[test]
    fn no_text_makes_the_reading_panic(text in "(<!-- memguard comment )?\\PC*") {
        let _ = Mark::read(&text);
    }
}
