//! What memguard says of a run while it lasts.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Voice, is_dumb};
use crate::os;
use crate::report::{self, Look, Moment};
use crate::sampler::{Beat, Onlooker, Pulse};
use crate::workload::Screen;

/// Between two looks at a run that is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(250);
/// Between two sentences, where there is nothing to draw on.
const SAID_EVERY: Duration = Duration::from_secs(30);

/// How a run is told of while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Not at all.
    Silent,
    /// Now and then, a line in the log.
    Said,
    /// A line under the workload's output, drawn again and again.
    Drawn,
}

impl Manner {
    fn here(quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        // What reads the workload's output may print to the same terminal.
        let is_drawn = io::stderr().is_terminal() && os::nobody_reads_output() && !is_ci && !is_dumb();
        if is_drawn { Self::Drawn } else { Self::Said }
    }
}

/// Tells of one run until it is dropped.
pub(super) struct Live {
    onlooker: Onlooker,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Live {
    /// From a thread of its own: a terminal that is stopped with Ctrl-S must not hold up the readings.
    pub(super) fn begin(workload: &str, voice: Voice) -> Self {
        let manner = Manner::here(voice.quiet);
        let screen = if manner == Manner::Drawn { Screen::with_line() } else { Screen::default() };
        let onlooker = Onlooker { screen: Arc::new(screen), pulse: Arc::new(Pulse::default()) };
        if manner == Manner::Silent {
            return Self { onlooker, thread: None };
        }
        let (stop, stopped) = channel();
        let (live, told) = (report::Live::new(workload), onlooker.clone());
        let thread = thread::spawn(move || {
            let wait = |time| stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            match manner {
                Manner::Drawn => draw(live, &told, voice, wait),
                Manner::Said | Manner::Silent => say(&live, &told, wait),
            }
        });
        Self { onlooker, thread: Some((stop, thread)) }
    }

    /// Whom the run is to tell.
    pub(super) fn onlooker(&self) -> &Onlooker {
        &self.onlooker
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// `wait` is false once there is nothing more to tell.
fn draw(mut live: report::Live, to: &Onlooker, voice: Voice, wait: impl Fn(Duration) -> bool) {
    while wait(DRAWN_EVERY) {
        let Some(beat) = to.pulse.look() else { continue };
        live.look(beat.highest);
        // The terminal may have become wider or narrower.
        let look = Look { width: os::terminal_width().unwrap_or(voice.width), ..voice.look() };
        let may_draw = !beat.is_beside && os::may_draw(beat.root);
        to.screen.draw(may_draw.then(|| live.line(moment(&beat), look)).as_deref());
    }
    to.screen.clear();
}

fn say(live: &report::Live, to: &Onlooker, wait: impl Fn(Duration) -> bool) {
    let mut due = Instant::now() + SAID_EVERY;
    while wait(due.saturating_duration_since(Instant::now())) {
        due += SAID_EVERY;
        if let Some(beat) = to.pulse.look() {
            to.screen.say_between_lines(&live.sentence(moment(&beat)));
        }
    }
}

const fn moment(beat: &Beat) -> Moment {
    Moment { lasted: beat.lasted, memory: beat.memory, peak: beat.peak }
}
