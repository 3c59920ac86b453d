//! Words and numbers of the file, read as they are written.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::analysis::{Quality, SegmentKind};
use crate::report::plain;
use crate::trace::PeakCertainty;
use crate::verdict::{CheckKind, Measure, Outcome, Verdict};

/// To the microsecond, as they are written.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(f64::deserialize(from)?)
}

pub(super) fn optional_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Option::deserialize(from)?.map(duration).transpose()
}

fn duration<E: serde::de::Error>(seconds: f64) -> Result<Duration, E> {
    let micros = (seconds * 1e6).round();
    if !(0.0..=1e18).contains(&micros) {
        return Err(E::custom(format!("{seconds} is not a number of seconds")));
    }
    Ok(Duration::from_micros(micros as u64))
}

/// A path that is told to people.
pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(from)?;
    if plain(&text, 1000) != text {
        return Err(D::Error::custom("the path of a config has characters that no path should have"));
    }
    Ok(text.into())
}

/// One of these by its word, as `name` writes it.
fn one_of<'de, D: Deserializer<'de>, T: Copy>(from: D, all: &[T], name: fn(T) -> &'static str) -> Result<T, D::Error> {
    let word = String::deserialize(from)?;
    all.iter().copied().find(|one| name(*one) == word).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        D::Error::custom(format!("{:?} is none of {}", plain(&word, 40), known.join(", ")))
    })
}

pub(super) fn verdict_word<'de, D: Deserializer<'de>>(from: D) -> Result<Verdict, D::Error> {
    use Verdict::{Error, Fail, NoBaseline, Pass, Warn};
    one_of(from, &[Pass, Warn, Fail, NoBaseline, Error], super::verdict)
}

pub(super) fn outcome_word<'de, D: Deserializer<'de>>(from: D) -> Result<Outcome, D::Error> {
    use Outcome::{Fail, NoBaseline, NotComparable, Pass, Unmeasured, Warn};
    one_of(from, &[Pass, Warn, Fail, NoBaseline, NotComparable, Unmeasured], super::outcome)
}

pub(super) fn kind_word<'de, D: Deserializer<'de>>(from: D) -> Result<CheckKind, D::Error> {
    one_of(from, &[CheckKind::Budget, CheckKind::Regression], super::kind)
}

pub(super) fn measure_word<'de, D: Deserializer<'de>>(from: D) -> Result<Measure, D::Error> {
    one_of(from, &Measure::ALL, Measure::name)
}

pub(super) fn segment_word<'de, D: Deserializer<'de>>(from: D) -> Result<SegmentKind, D::Error> {
    use SegmentKind::{Drop, Growth, Plateau, Ramp};
    one_of(from, &[Ramp, Growth, Plateau, Drop], SegmentKind::name)
}

pub(super) fn certainty_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PeakCertainty>, D::Error> {
    optional(from, &[PeakCertainty::Exact, PeakCertainty::Sampled], super::certainty)
}

fn optional<'de, D: Deserializer<'de>, T: Copy>(
    from: D,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, D::Error> {
    let word = Option::<serde_json::Value>::deserialize(from)?;
    word.map(|word| one_of(word, all, name)).transpose().map_err(D::Error::custom)
}

pub(super) fn quality_word<'de, D: Deserializer<'de>>(from: D) -> Result<Quality, D::Error> {
    let is_good = one_of(from, &[true, false], |good| if good { "good" } else { "poor" })?;
    // Why it was poor stands in the notes of the checks that it matters to.
    Ok(if is_good { Quality::Good } else { Quality::Poor("its measuring was poor".to_owned()) })
}
