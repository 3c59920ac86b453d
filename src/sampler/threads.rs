use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::events::Event;
use crate::os::{self, Ending};
use crate::trace::{Recorder, Stream};
use crate::workload::{self, Destination, Launched, ReadyKind};

/// What waits: for the root, for both streams, for the sign of being ready.
pub(super) fn start_threads(
    launch: &workload::Settings,
    launched: Launched,
    recorder: &Recorder,
    events: &Sender<Event>,
    clock: Instant,
    wall: SystemTime,
    give_up: &Arc<AtomicBool>,
) {
    let Launched { child, stdout, stderr } = launched;
    wait_for(child, events, |ending| Event::RootEnded(ending.unwrap_or(Ending::Exited(-1))));
    let ready_line = match &launch.ready {
        Some(workload::Ready { kind: ReadyKind::Log(pattern), .. }) => Some(Arc::new(pattern.clone())),
        _ => None,
    };
    let seen = Arc::new(AtomicBool::new(false));
    let streams: [(Box<dyn std::io::Read + Send>, _, _); 2] = [
        (Box::new(stdout), Stream::Stdout, Destination::Stdout),
        (Box::new(stderr), Stream::Stderr, Destination::Stderr),
    ];
    for (from, stream, to) in streams {
        let (log, events, ready_line, seen) = (recorder.log(), events.clone(), ready_line.clone(), Arc::clone(&seen));
        thread::spawn(move || {
            let look = |at: Duration, line: &str| {
                if let Some(pattern) = &ready_line
                    && !seen.load(Ordering::Relaxed)
                    && pattern.is_match(line)
                    && !seen.swap(true, Ordering::Relaxed)
                {
                    let _ = events.send(Event::Ready(at));
                }
            };
            let mut failure = None;
            workload::pass_on(from, to, |came, bytes| {
                let at = came.saturating_duration_since(clock);
                if let Err(error) = log.push(stream, at, bytes, look) {
                    failure.get_or_insert(error);
                }
            });
            let failure = log.end(stream, look).err().or(failure);
            // The run may be over: then nobody listens, and nobody needs to.
            let _ = failure.map(|error| events.send(Event::OutputFailed(error)));
            let _ = events.send(Event::OutputEnded);
        });
    }
    let (settings, events, give_up) = (launch.clone(), events.clone(), Arc::clone(give_up));
    thread::spawn(move || {
        if workload::watch_for_ready(&settings, wall, &give_up) {
            let _ = events.send(Event::Ready(clock.elapsed()));
        }
    });
}

/// Waits for a process in a thread of its own: its end is an event, not something to look for at every tick.
pub(super) fn wait_for(
    mut child: Child,
    events: &Sender<Event>,
    event: impl FnOnce(Option<Ending>) -> Event + Send + 'static,
) {
    let events = events.clone();
    thread::spawn(move || {
        let ending = child.wait().ok().map(os::ending);
        let _ = events.send(event(ending));
    });
}
