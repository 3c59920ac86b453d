//! Beneath the curves: when lines were printed, and which segments the curve has.

use std::time::Duration;

use anyhow::Result;
use plotters::prelude::*;

use super::draw::{Sheet, failed};
use super::labels::{Labels, text_width};
use super::model::ChartModel;
use super::palette::{DROP, FAINT, GROWTH, INK, PLATEAU, RAMP, RED};
use super::scales::{FRAME, Scales};
use crate::analysis::SegmentKind;
use crate::trace::Curve;

/// Where the tracks are, in logical pixels.
pub(super) struct Tracks {
    log: Option<f64>,
    segments: Option<f64>,
    /// Where the axis of time is.
    pub(super) end: f64,
    /// Of the whole picture.
    pub(super) height: u32,
}

impl Tracks {
    pub(super) fn of(model: &ChartModel) -> Self {
        let mut end = FRAME.bottom();
        let mut room = |is_there: bool, height: f64| {
            let top = is_there.then_some(end + 4.0);
            end += if is_there { height } else { 0.0 };
            top
        };
        let log = room(!model.log.is_empty(), 18.0);
        let segments = room(!model.segments.is_empty(), 26.0);
        Self { log, segments, end, height: (end + 48.0) as u32 }
    }
}

/// So many lines are told on the graph.
const TOLD: usize = 3;
/// So many rows of text may stand over one another.
const ROWS: u32 = 12;
/// The text of a segment, and that of a line.
const SMALL: f64 = 11.5;

impl<B: DrawingBackend> Sheet<'_, B> {
    /// A stroke for every line, a strong one where much was taken after it; the strongest are told.
    pub(super) fn log_track(
        &self,
        model: &ChartModel,
        scales: &Scales,
        tracks: &Tracks,
        labels: &mut Labels,
    ) -> Result<()> {
        let Some(top) = tracks.log else { return Ok(()) };
        self.write("log", (FRAME.left - 8.0 - text_width("log", SMALL), top), SMALL, FAINT)?;
        let mut drawn = None;
        for mark in &model.log {
            let x = scales.x(mark.at).round();
            if mark.is_strong {
                self.stroke(&[(x, top), (x, top + 11.0)], RED.mix(1.0), 2.0)?;
            } else if drawn != Some(x as i64) {
                self.stroke(&[(x, top + 3.0), (x, top + 9.0)], FAINT.mix(0.7), 1.0)?;
            }
            drawn = Some(x as i64);
        }
        let mut told: Vec<_> = model.log.iter().filter(|mark| mark.is_strong && !mark.text.is_empty()).collect();
        told.sort_by_key(|mark| std::cmp::Reverse(mark.rise));
        told.truncate(TOLD);
        told.sort_by_key(|mark| std::cmp::Reverse(mark.at));
        let (lowest, highest) = (FRAME.bottom() - 18.0, FRAME.bottom() - 1.0 - 17.0 * f64::from(ROWS));
        for mark in &told {
            let x = scales.x(mark.at);
            labels.keep_off(vec![(x, highest), (x, FRAME.bottom())]);
        }
        for mark in told {
            let x = scales.x(mark.at);
            let width = text_width(&mark.text, SMALL);
            let sides = [x + 3.0, x - width - 3.0];
            // At its line, not moved over it; higher up where something is in the way.
            let is_inside = |left: &f64| *left >= FRAME.left && left + width <= FRAME.right();
            let rows = (0..ROWS).map(|row| lowest - 17.0 * f64::from(row));
            let wishes: Vec<(f64, f64)> =
                rows.flat_map(|y| sides.into_iter().filter(is_inside).map(move |left| (left, y))).collect();
            if let Some(place) = labels.place(&mark.text, SMALL, &wishes) {
                self.write(&mark.text, (place.left, place.top), SMALL, INK)?;
                self.stroke(&[(x, place.top + 2.0), (x, FRAME.bottom() + 4.0)], RED.mix(0.7), 1.0)?;
            }
        }
        Ok(())
    }

    pub(super) fn segment_track(&self, model: &ChartModel, scales: &Scales, tracks: &Tracks) -> Result<()> {
        let Some(top) = tracks.segments else { return Ok(()) };
        self.write("segments", (FRAME.left - 8.0 - text_width("segments", SMALL), top + 2.0), SMALL, FAINT)?;
        let whole = Curve::default();
        let measured = model.main().unwrap_or(&whole);
        for segment in &model.segments {
            let colour = match segment.kind {
                SegmentKind::Ramp => RAMP,
                SegmentKind::Growth => GROWTH,
                SegmentKind::Plateau => PLATEAU,
                SegmentKind::Drop => DROP,
            };
            let (mut left, mut right) = (0.0, 0.0);
            for (from, until) in measured.measured(segment.from, segment.to) {
                let (from, until) = (scales.x(from), scales.x(until).max(scales.x(from) + 1.0));
                let corners = [self.at(from, top), self.at((until - 1.0).max(from + 1.0), top + 18.0)];
                self.area().draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
                if until - from > right - left {
                    (left, right) = (from, until);
                }
            }
            let name = segment.kind.name();
            let texts = [
                format!("{name} {}, {:.0} %", segment.rise, segment.share.0),
                format!("{name} {}", segment.rise),
                name.to_owned(),
            ];
            if let Some(text) = texts.iter().find(|text| text_width(text, SMALL) + 8.0 < right - left) {
                self.write(text, (left + 5.0, top + 3.0), SMALL, INK)?;
            }
        }
        Ok(())
    }
}

/// A log line's place on the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMark {
    /// Since launch.
    pub at: Duration,
    /// What it says, safe to print.
    pub text: String,
    /// What was taken after it, until the next.
    pub rise: crate::units::Bytes,
    /// Whether that is a good part of the peak.
    pub is_strong: bool,
}
