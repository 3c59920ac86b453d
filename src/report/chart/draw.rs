use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::bands::Band;
use super::dashes::dashes;
use super::labels::{Labels, load_font};
use super::model::{ChartModel, CurveKind, Line, PlottedCurve};
use super::palette::{self, BLUE, FAINT, GREEN, GRID, INK, ORANGE, OVERLAID, PAPER, RED, SKY};
use super::scales::{FRAME, Scales};
use super::tracks::Tracks;
use crate::units::format_duration;

/// Logical pixels; the PNG has twice as many each way.
const WIDTH: u32 = 1000;
const PNG_SCALE: f64 = 2.0;
/// What plotters writes as the size of a text is less than what it was given: SVG's by its own factor, the bitmap's since it takes
/// the height of a line for it.
const SVG_TEXT: f64 = 1.24;
pub(super) const PNG_TEXT: f64 = 1.164;
/// A label of a line is moved along it by so much at a time.
const STEP: f64 = 20.0;
/// How much higher than it was told the bitmap writes a text, by its size.
const PNG_RISE: f64 = 0.25;

/// The graph as an SVG of its own background, which is dark where the reader likes it dark.
///
/// # Errors
/// When the drawing library fails.
pub fn svg(model: &ChartModel) -> Result<String> {
    let mut text = still(model)?;
    if let Some(end) = text.find('>') {
        text.insert_str(end + 1, &palette::dark_style());
    }
    Ok(text)
}

/// The graph as an SVG that carries no style: for a page whose policy allows none but its own.
///
/// # Errors
/// As [`svg`].
pub fn still(model: &ChartModel) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, Tracks::of(model).height)).into_drawing_area();
        Sheet { area: &area, scale: 1.0, text: SVG_TEXT, rise: 0.0, joins: true }.draw(model)?;
        area.present().map_err(|error| anyhow!("could not draw the graph: {error}"))?;
    }
    Ok(text)
}

/// The graph as a PNG, twice as fine.
///
/// # Errors
/// When the drawing library fails.
pub fn png(model: &ChartModel) -> Result<Vec<u8>> {
    let (width, height) =
        ((f64::from(WIDTH) * PNG_SCALE) as u32, (f64::from(Tracks::of(model).height) * PNG_SCALE) as u32);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        Sheet { area: &area, scale: PNG_SCALE, text: PNG_TEXT, rise: PNG_RISE, joins: false }.draw(model)?;
        area.present().map_err(|error| anyhow!("could not draw the graph: {error}"))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

pub(super) struct Sheet<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
    /// What a size of text is multiplied by.
    text: f64,
    /// How much higher than it was told a text is written, by its size.
    rise: f64,
    /// Whether a line that turns back is drawn well where it does. The bitmap's draws a thorn there, as long as the line.
    joins: bool,
}

impl<B: DrawingBackend> Sheet<'_, B> {
    fn draw(&self, model: &ChartModel) -> Result<()> {
        load_font();
        self.area.fill(&PAPER).map_err(failed)?;
        let scales = Scales::of(model);
        let mut labels = Labels::new(FRAME);
        self.shades(model, &scales, &mut labels)?;
        let tracks = Tracks::of(model);
        self.gaps(model, &scales)?;
        self.axes(&scales, &tracks)?;
        let bands = self.bands(model, &scales)?;
        for curve in &model.curves {
            self.curve(curve, &scales, model.programs.is_none())?;
            for piece in curve.curve.pieces() {
                labels.keep_off(scales.columns(piece, 1.0));
            }
        }
        for at in [model.ready, model.stop].into_iter().flatten() {
            let x = scales.x(at);
            labels.keep_off(vec![(x, FRAME.top), (x, FRAME.bottom())]);
        }
        for line in &model.lines {
            let ((from, until), y) = (span(line, &scales), scales.y(line.value));
            labels.keep_off(vec![(from, y), (until, y)]);
        }
        self.log_track(model, &scales, &tracks, &mut labels)?;
        self.segment_track(model, &scales, &tracks)?;
        self.marks(model, &scales, &mut labels)?;
        self.peak(model, &scales, &mut labels)?;
        self.lines(model, &scales, &mut labels)?;
        self.band_names(&bands, &mut labels)?;
        if model.curves.iter().all(|curve| curve.curve.points.is_empty()) {
            let middle = (FRAME.left + FRAME.width / 2.0 - 60.0, FRAME.top + FRAME.height / 2.0);
            self.write("nothing was measured", middle, 14.0, FAINT)?;
        }
        self.bold(&model.title, (24.0, 18.0), 19.0, INK)?;
        self.write(&model.subtitle, (24.0, 45.0), 13.0, FAINT)?;
        self.legend(model, &bands)
    }

    fn axes(&self, scales: &Scales, tracks: &Tracks) -> Result<()> {
        for (value, text) in &scales.memory.ticks {
            let y = FRAME.bottom() - value / scales.memory.end * FRAME.height;
            self.stroke(&[(FRAME.left, y), (FRAME.right(), y)], GRID.mix(1.0), 1.0)?;
            let style = self.style(12.0, FAINT).pos(Pos::new(HPos::Right, VPos::Center));
            self.area.draw(&Text::new(text.clone(), self.text_at(FRAME.left - 8.0, y, 12.0), style)).map_err(failed)?;
        }
        for (value, text) in &scales.time.ticks {
            let x = FRAME.left + value / scales.time.end * FRAME.width;
            self.stroke(&[(x, tracks.end), (x, tracks.end + 4.0)], FAINT.mix(1.0), 1.0)?;
            let style = self.style(12.0, FAINT).pos(Pos::new(HPos::Center, VPos::Top));
            self.area.draw(&Text::new(text.clone(), self.text_at(x, tracks.end + 9.0, 12.0), style)).map_err(failed)?;
        }
        for y in [FRAME.bottom(), tracks.end] {
            self.stroke(&[(FRAME.left, y), (FRAME.right(), y)], FAINT.mix(1.0), 1.0)?;
        }
        Ok(())
    }

    fn curve(&self, curve: &PlottedCurve, scales: &Scales, filled: bool) -> Result<()> {
        curve.curve.pieces().try_for_each(|piece| self.piece(curve.kind, &scales.columns(piece, self.scale), filled))
    }

    /// Draws a curve from one gap to the next.
    fn piece(&self, kind: CurveKind, columns: &[(f64, f64)], filled: bool) -> Result<()> {
        let (colour, width) = look(kind);
        if filled
            && kind == CurveKind::Main
            && let (Some(first), Some(last)) = (columns.first(), columns.last())
        {
            let mut outline: Vec<(i32, i32)> = columns.iter().map(|(x, y)| self.at(*x, *y)).collect();
            outline.push(self.at(last.0, FRAME.bottom()));
            outline.push(self.at(first.0, FRAME.bottom()));
            self.area.draw(&Polygon::new(outline, colour.mix(0.14))).map_err(failed)?;
        }
        if kind == CurveKind::Baseline {
            for dash in dashes(columns, 7.0, 5.0) {
                self.stroke(&dash, colour.mix(1.0), width)?;
            }
            return Ok(());
        }
        if let [(x, y)] = *columns {
            return self.dot((x, y), width + 1.0, colour);
        }
        let faint = if kind == CurveKind::Other { 0.45 } else { 1.0 };
        self.stroke(columns, colour.mix(faint), width)
    }

    /// Where start-up ended, and where memguard began to stop the workload.
    fn marks(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        for (name, at) in [("ready", model.ready), ("stop", model.stop)] {
            let Some(at) = at else { continue };
            let x = scales.x(at);
            for dash in dashes(&[(x, FRAME.top), (x, FRAME.bottom())], 2.0, 3.0) {
                self.stroke(&dash, INK.mix(1.0), 1.0)?;
            }
            let text = format!("{name} {}", format_duration(at));
            let low = FRAME.bottom() - 20.0;
            if let Some(place) = labels.place(&text, 12.0, &[(x + 5.0, low), (x - 90.0, low), (x + 5.0, low - 18.0)]) {
                self.write(&text, (place.left, place.top), 12.0, INK)?;
            }
        }
        Ok(())
    }

    fn peak(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        let Some((peak, memory)) = &model.peak else { return Ok(()) };
        let (x, y) = (scales.x(peak.at), scales.y(peak.memory));
        self.dot((x, y), 4.0, BLUE)?;
        let text = format!("peak {memory} at {}", format_duration(peak.at));
        // Bold letters are that much wider.
        let size = 13.0 * 1.12;
        let width = super::labels::text_width(&text, size);
        let beside = [x + 9.0, x - width - 9.0];
        let wishes: Vec<(f64, f64)> = [(x - width / 2.0, y - 24.0)]
            .into_iter()
            .chain([-24.0, -8.0, 6.0].into_iter().flat_map(|shift| beside.map(|left| (left, y + shift))))
            .collect();
        if let Some(place) = labels.place(&text, size, &wishes) {
            self.bold(&text, (place.left, place.top), 13.0, INK)?;
        }
        Ok(())
    }

    fn lines(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        for line in &model.lines {
            let ((from, until), y) = (span(line, scales), scales.y(line.value));
            let colour = if line.crossed { RED } else { GREEN };
            self.stroke(&[(from, y), (until, y)], colour.mix(1.0), 1.6)?;
            let text = if line.crossed { format!("{}: exceeded", line.label) } else { line.label.clone() };
            let width = super::labels::text_width(&text, 12.0);
            // At its end, or else along it; above it, or else below.
            let right = until - width - 2.0;
            let steps = ((right - from).max(0.0) / STEP) as u32;
            let along = (1..=steps).map(|step| right - STEP * f64::from(step));
            let first = if line.window.is_some() { from + 4.0 } else { right };
            let wishes: Vec<(f64, f64)> =
                [first].into_iter().chain(along).flat_map(|left| [(left, y - 18.0), (left, y + 3.0)]).collect();
            if let Some(place) = labels.place(&text, 12.0, &wishes) {
                self.write(&text, (place.left, place.top), 12.0, colour)?;
            }
        }
        Ok(())
    }

    /// Beneath the subtitle: the curves where there is more than one, and who held the memory, as the bands lie upon one another.
    fn legend(&self, model: &ChartModel, bands: &[Band]) -> Result<()> {
        let mut x = 24.0;
        for curve in model.curves.iter().rev().filter(|curve| !curve.label.is_empty()) {
            let label = legend(curve);
            let width = super::labels::text_width(&label, 12.0);
            if x + 26.0 + width > f64::from(WIDTH) - 24.0 {
                return self.write("…", (x, 66.0), 12.0, FAINT);
            }
            let (colour, stroke) = look(curve.kind);
            let y = 73.0;
            let gap = if curve.kind == CurveKind::Baseline { 3.0 } else { 0.0 };
            for dash in dashes(&[(x, y), (x + 20.0, y)], 5.0, gap) {
                self.stroke(&dash, colour.mix(1.0), stroke.max(1.5))?;
            }
            self.write(&label, (x + 26.0, 65.0), 12.0, INK)?;
            x += 26.0 + width + 18.0;
        }
        let gap = Band { colour: GRID, name: "not measured".to_owned(), middle: None };
        let gap = model.main().filter(|main| !main.gaps.is_empty()).map(|_| &gap);
        for Band { colour, name, .. } in gap.into_iter().chain(bands.iter().rev()) {
            let width = super::labels::text_width(name, 12.0);
            if x + 18.0 + width > f64::from(WIDTH) - 24.0 {
                return self.write("…", (x, 66.0), 12.0, FAINT);
            }
            let corners = [self.at(x, 67.0), self.at(x + 12.0, 79.0)];
            self.area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
            self.write(name, (x + 18.0, 65.0), 12.0, INK)?;
            x += 18.0 + width + 16.0;
        }
        Ok(())
    }

    pub(super) const fn area(&self) -> &DrawingArea<B, Shift> {
        self.area
    }

    fn text_at(&self, x: f64, y: f64, size: f64) -> (i32, i32) {
        self.at(x, y + self.rise * size)
    }

    pub(super) fn at(&self, x: f64, y: f64) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    pub(super) fn stroke(&self, points: &[(f64, f64)], colour: RGBAColor, width: f64) -> Result<()> {
        let style =
            ShapeStyle { color: colour, filled: false, stroke_width: (width * self.scale).round().max(1.0) as u32 };
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        let mut from = 0;
        for turn in 1..points.len().saturating_sub(1) {
            if !self.joins && turns_back(points[turn - 1], points[turn], points[turn + 1]) {
                self.area.draw(&PathElement::new(points[from..=turn].to_vec(), style)).map_err(failed)?;
                from = turn;
            }
        }
        self.area.draw(&PathElement::new(points[from..].to_vec(), style)).map_err(failed)
    }

    fn dot(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor) -> Result<()> {
        let circle = |radius: f64, colour: RGBColor| {
            Circle::new(self.at(x, y), (radius * self.scale).round() as i32, colour.filled())
        };
        self.area.draw(&circle(radius + 1.5, PAPER)).map_err(failed)?;
        self.area.draw(&circle(radius, colour)).map_err(failed)
    }

    pub(super) fn style(&self, size: f64, colour: RGBColor) -> TextStyle<'static> {
        ("sans-serif", size * self.scale * self.text).into_font().color(&colour)
    }

    pub(super) fn write(&self, text: &str, (x, y): (f64, f64), size: f64, colour: RGBColor) -> Result<()> {
        self.area.draw(&Text::new(text.to_owned(), self.text_at(x, y, size), self.style(size, colour))).map_err(failed)
    }

    fn bold(&self, text: &str, (x, y): (f64, f64), size: f64, colour: RGBColor) -> Result<()> {
        let font = ("sans-serif", size * self.scale * self.text).into_font().style(FontStyle::Bold);
        self.area.draw(&Text::new(text.to_owned(), self.text_at(x, y, size), font.color(&colour))).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(super) fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("could not draw the graph: {error}")
}

/// Whether a line goes on within a right angle of where it came from.
fn turns_back(before: (i32, i32), here: (i32, i32), after: (i32, i32)) -> bool {
    let by = |from: i32, to: i32| i64::from(to) - i64::from(from);
    by(before.0, here.0) * by(here.0, after.0) + by(before.1, here.1) * by(here.1, after.1) < 0
}

/// One of several that are compared is told with its peak.
fn legend(curve: &PlottedCurve) -> String {
    match (curve.kind, curve.curve.highest()) {
        (CurveKind::Overlaid(_), Some(peak)) => format!("{}: peak {}", curve.label, peak.memory),
        _ => curve.label.clone(),
    }
}

/// From where to where a limit holds.
fn span(line: &Line, scales: &Scales) -> (f64, f64) {
    line.window.map_or((FRAME.left, FRAME.right()), |(from, until)| (scales.x(from), scales.x(until)))
}

fn look(kind: CurveKind) -> (RGBColor, f64) {
    match kind {
        CurveKind::Main => (BLUE, 2.0),
        CurveKind::Other => (SKY, 1.0),
        CurveKind::Baseline => (ORANGE, 1.8),
        CurveKind::Overlaid(index) => (OVERLAID[index % OVERLAID.len()], 1.8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Curve, Gap, SamplePoint};
    use crate::units::Bytes;
    use std::time::Duration;

    fn main(points: &[(u64, u64)]) -> ChartModel {
        let points =
            points.iter().map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(*ms), memory: Bytes(*bytes) });
        let curve = PlottedCurve {
            label: String::new(),
            kind: CurveKind::Main,
            curve: Curve { points: points.collect(), ..Curve::default() },
        };
        ChartModel { title: "a <b> & \"c\"".into(), curves: vec![curve], ..ChartModel::default() }
    }

    #[test]
    fn hostile_names_are_text_and_nothing_else() {
        let text = svg(&main(&[(0, 1), (10, 2)])).unwrap();
        assert!(text.contains("a &lt;b&gt; &amp;"), "{text}");
        assert!(!text.contains("<b>"));
    }

    #[test]
    fn no_line_leads_across_a_gap() {
        let mut model = main(&[(0, 1 << 20), (10, 2 << 20), (5000, 9 << 20), (5010, 9 << 20)]);
        let lines = |model: &ChartModel| svg(model).unwrap().matches("stroke=\"#0072B2\"").count();
        let across = lines(&model);
        model.curves[0].curve.gaps = vec![Gap { from: Duration::from_millis(10), until: Duration::from_millis(5000) }];
        assert_eq!(lines(&model), across + 1);
        assert!(svg(&model).unwrap().contains("not measured"));
    }

    #[test]
    fn no_samples_and_one_sample_are_pictures_too() {
        assert!(svg(&main(&[])).unwrap().contains("nothing was measured"));
        assert!(svg(&main(&[(0, 0)])).unwrap().contains("<circle"));
        assert!(png(&main(&[(5, 1 << 30)])).unwrap().starts_with(b"\x89PNG"));
    }
}
