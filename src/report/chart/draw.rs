use std::sync::Once;
use std::time::Duration;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

use super::axis::{self, Axis};
use super::dashes::dashes;
use super::labels::{Labels, Rect};
use super::model::{ChartModel, CurveKind, PlottedCurve};
use crate::trace::SamplePoint;
use crate::units::{Bytes, format_duration};

/// Logical pixels; the PNG has twice as many each way.
const WIDTH: u32 = 1000;
const HEIGHT: u32 = 480;
const PNG_SCALE: f64 = 2.0;
const FRAME: Rect = Rect { left: 86.0, top: 92.0, width: 888.0, height: 340.0 };

// Okabe and Ito's colours, which colour-blind readers tell apart.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const RED: RGBColor = RGBColor(213, 94, 0);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const SKY: RGBColor = RGBColor(86, 180, 233);
const OVERLAID: [RGBColor; 6] = [BLUE, RED, GREEN, PURPLE, ORANGE, SKY];
const INK: RGBColor = RGBColor(32, 36, 42);
const FAINT: RGBColor = RGBColor(104, 112, 122);
const GRID: RGBColor = RGBColor(228, 231, 235);
const SHADE: RGBColor = RGBColor(240, 244, 248);

/// The graph as an SVG of its own background, legible on light and dark pages.
///
/// # Errors
/// When the drawing library fails.
pub fn svg(model: &ChartModel) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        Sheet { area: &area, scale: 1.0 }.draw(model)?;
        area.present().map_err(|error| anyhow!("could not draw the graph: {error}"))?;
    }
    Ok(text)
}

/// The graph as a PNG, twice as fine.
///
/// # Errors
/// When the drawing library fails.
pub fn png(model: &ChartModel) -> Result<Vec<u8>> {
    let (width, height) = ((f64::from(WIDTH) * PNG_SCALE) as u32, (f64::from(HEIGHT) * PNG_SCALE) as u32);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        Sheet { area: &area, scale: PNG_SCALE }.draw(model)?;
        area.present().map_err(|error| anyhow!("could not draw the graph: {error}"))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

/// The font is part of the program: a machine without fonts draws the same picture.
fn load_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only for bytes that are no font.
        let _ = register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold());
    });
}

/// From the units of the trace to logical pixels.
struct Scales {
    memory: Axis,
    time: Axis,
}

impl Scales {
    fn of(model: &ChartModel) -> Self {
        let points = model.curves.iter().flat_map(|curve| &curve.points);
        let highest = points.clone().map(|point| point.memory).chain(model.lines.iter().map(|line| line.value)).max();
        let last = points.map(|point| point.at).chain(model.shades.iter().map(|shade| shade.until)).max();
        Self { memory: axis::memory(highest.unwrap_or_default()), time: axis::time(last.unwrap_or_default()) }
    }

    fn x(&self, at: Duration) -> f64 {
        FRAME.left + (at.as_secs_f64() / self.time.end).clamp(0.0, 1.0) * FRAME.width
    }

    fn y(&self, memory: Bytes) -> f64 {
        FRAME.bottom() - (memory.as_f64() / self.memory.end).clamp(0.0, 1.0) * FRAME.height
    }

    /// A point for every column of pixels that has any, at the highest of them.
    fn columns(&self, points: &[SamplePoint], per_pixel: f64) -> Vec<(f64, f64)> {
        let mut columns: Vec<(f64, f64)> = Vec::new();
        for point in points {
            let (x, y) = ((self.x(point.at) * per_pixel).round() / per_pixel, self.y(point.memory));
            match columns.last_mut() {
                Some(last) if (last.0 - x).abs() < 1e-9 => last.1 = last.1.min(y),
                _ => columns.push((x, y)),
            }
        }
        columns
    }
}

struct Sheet<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
}

impl<B: DrawingBackend> Sheet<'_, B> {
    fn draw(&self, model: &ChartModel) -> Result<()> {
        load_font();
        self.area.fill(&WHITE).map_err(failed)?;
        let scales = Scales::of(model);
        let mut labels = Labels::new(FRAME);
        self.shades(model, &scales, &mut labels)?;
        self.axes(&scales)?;
        for curve in &model.curves {
            self.curve(curve, &scales)?;
        }
        self.marks(model, &scales, &mut labels)?;
        self.peak(model, &scales, &mut labels)?;
        self.lines(model, &scales, &mut labels)?;
        if model.curves.iter().all(|curve| curve.points.is_empty()) {
            let middle = (FRAME.left + FRAME.width / 2.0 - 60.0, FRAME.top + FRAME.height / 2.0);
            self.text("nothing was measured", middle, 14.0, FAINT)?;
        }
        self.bold(&model.title, (24.0, 18.0), 19.0, INK)?;
        self.text(&model.subtitle, (24.0, 45.0), 13.0, FAINT)?;
        self.legend(model)
    }

    fn shades(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        for shade in &model.shades {
            let (from, until) = (scales.x(shade.from), scales.x(shade.until));
            let corners = [self.at(from, FRAME.top), self.at(until, FRAME.bottom())];
            self.area.draw(&Rectangle::new(corners, SHADE.filled())).map_err(failed)?;
            for x in [from, until] {
                self.stroke(&[(x, FRAME.top), (x, FRAME.bottom())], GRID.mix(1.0), 1.0)?;
            }
            if let Some(place) = labels.place(&shade.label, 12.0, &[(from + 4.0, FRAME.top + 2.0)]) {
                self.text(&shade.label, (place.left, place.top), 12.0, FAINT)?;
            }
        }
        Ok(())
    }

    fn axes(&self, scales: &Scales) -> Result<()> {
        for (value, text) in &scales.memory.ticks {
            let y = FRAME.bottom() - value / scales.memory.end * FRAME.height;
            self.stroke(&[(FRAME.left, y), (FRAME.right(), y)], GRID.mix(1.0), 1.0)?;
            let style = self.style(12.0, FAINT).pos(Pos::new(HPos::Right, VPos::Center));
            self.area.draw(&Text::new(text.clone(), self.at(FRAME.left - 8.0, y), style)).map_err(failed)?;
        }
        for (value, text) in &scales.time.ticks {
            let x = FRAME.left + value / scales.time.end * FRAME.width;
            self.stroke(&[(x, FRAME.bottom()), (x, FRAME.bottom() + 4.0)], FAINT.mix(1.0), 1.0)?;
            let style = self.style(12.0, FAINT).pos(Pos::new(HPos::Center, VPos::Top));
            self.area.draw(&Text::new(text.clone(), self.at(x, FRAME.bottom() + 9.0), style)).map_err(failed)?;
        }
        self.stroke(&[(FRAME.left, FRAME.bottom()), (FRAME.right(), FRAME.bottom())], FAINT.mix(1.0), 1.0)
    }

    fn curve(&self, curve: &PlottedCurve, scales: &Scales) -> Result<()> {
        let columns = scales.columns(&curve.points, self.scale);
        let (colour, width) = look(curve.kind);
        if curve.kind == CurveKind::Main
            && let (Some(first), Some(last)) = (columns.first(), columns.last())
        {
            let mut outline: Vec<(i32, i32)> = columns.iter().map(|(x, y)| self.at(*x, *y)).collect();
            outline.push(self.at(last.0, FRAME.bottom()));
            outline.push(self.at(first.0, FRAME.bottom()));
            self.area.draw(&Polygon::new(outline, colour.mix(0.14))).map_err(failed)?;
        }
        if curve.kind == CurveKind::Baseline {
            for dash in dashes(&columns, 7.0, 5.0) {
                self.stroke(&dash, colour.mix(1.0), width)?;
            }
            return Ok(());
        }
        if let [(x, y)] = columns[..] {
            return self.dot((x, y), 3.0, colour);
        }
        let faint = if curve.kind == CurveKind::Other { 0.45 } else { 1.0 };
        self.stroke(&columns, colour.mix(faint), width)
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
                self.text(&text, (place.left, place.top), 12.0, INK)?;
            }
        }
        Ok(())
    }

    fn peak(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        let Some(peak) = model.peak else { return Ok(()) };
        let (x, y) = (scales.x(peak.at), scales.y(peak.memory));
        self.dot((x, y), 4.0, BLUE)?;
        let text = format!("peak {} at {}", peak.memory, format_duration(peak.at));
        let width = super::labels::text_width(&text, 13.0);
        let wishes =
            [(x - width / 2.0, y - 24.0), (x + 9.0, y - 24.0), (x - width - 9.0, y - 24.0), (x + 9.0, y + 6.0)];
        if let Some(place) = labels.place(&text, 13.0, &wishes) {
            self.bold(&text, (place.left, place.top), 13.0, INK)?;
        }
        Ok(())
    }

    fn lines(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        for line in &model.lines {
            let y = scales.y(line.value);
            let (from, until) =
                line.window.map_or((FRAME.left, FRAME.right()), |(from, until)| (scales.x(from), scales.x(until)));
            let colour = if line.crossed { RED } else { GREEN };
            self.stroke(&[(from, y), (until, y)], colour.mix(1.0), 1.6)?;
            let text = if line.crossed { format!("{} — exceeded", line.label) } else { line.label.clone() };
            let width = super::labels::text_width(&text, 12.0);
            let left = if line.window.is_some() { from + 4.0 } else { until - width - 2.0 };
            if let Some(place) =
                labels.place(&text, 12.0, &[(left, y - 18.0), (left, y + 3.0), (FRAME.left + 6.0, y - 18.0)])
            {
                self.text(&text, (place.left, place.top), 12.0, colour)?;
            }
        }
        Ok(())
    }

    /// Beneath the subtitle, where there is more than one curve.
    fn legend(&self, model: &ChartModel) -> Result<()> {
        let mut x = 24.0;
        for curve in model.curves.iter().rev().filter(|curve| !curve.label.is_empty()) {
            let label = legend(curve);
            let width = super::labels::text_width(&label, 12.0);
            if x + 26.0 + width > f64::from(WIDTH) - 24.0 {
                return self.text("…", (x, 66.0), 12.0, FAINT);
            }
            let (colour, stroke) = look(curve.kind);
            let y = 73.0;
            let gap = if curve.kind == CurveKind::Baseline { 3.0 } else { 0.0 };
            for dash in dashes(&[(x, y), (x + 20.0, y)], 5.0, gap) {
                self.stroke(&dash, colour.mix(1.0), stroke.max(1.5))?;
            }
            self.text(&label, (x + 26.0, 65.0), 12.0, INK)?;
            x += 26.0 + width + 18.0;
        }
        Ok(())
    }

    fn at(&self, x: f64, y: f64) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn stroke(&self, points: &[(f64, f64)], colour: RGBAColor, width: f64) -> Result<()> {
        let style =
            ShapeStyle { color: colour, filled: false, stroke_width: (width * self.scale).round().max(1.0) as u32 };
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        self.area.draw(&PathElement::new(points, style)).map_err(failed)
    }

    fn dot(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor) -> Result<()> {
        let circle = |radius: f64, colour: RGBColor| {
            Circle::new(self.at(x, y), (radius * self.scale).round() as i32, colour.filled())
        };
        self.area.draw(&circle(radius + 1.5, WHITE)).map_err(failed)?;
        self.area.draw(&circle(radius, colour)).map_err(failed)
    }

    fn style(&self, size: f64, colour: RGBColor) -> TextStyle<'static> {
        ("sans-serif", size * self.scale).into_font().color(&colour)
    }

    fn text(&self, text: &str, (x, y): (f64, f64), size: f64, colour: RGBColor) -> Result<()> {
        self.area.draw(&Text::new(text.to_owned(), self.at(x, y), self.style(size, colour))).map_err(failed)
    }

    fn bold(&self, text: &str, (x, y): (f64, f64), size: f64, colour: RGBColor) -> Result<()> {
        let font = ("sans-serif", size * self.scale).into_font().style(FontStyle::Bold);
        self.area.draw(&Text::new(text.to_owned(), self.at(x, y), font.color(&colour))).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("could not draw the graph: {error}")
}

/// One of several that are compared is told with its peak.
fn legend(curve: &PlottedCurve) -> String {
    let peak = curve.points.iter().map(|point| point.memory).max();
    match (curve.kind, peak) {
        (CurveKind::Overlaid(_), Some(peak)) => format!("{}: peak {peak}", curve.label),
        _ => curve.label.clone(),
    }
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
    use proptest::prelude::*;

    fn main(points: &[(u64, u64)]) -> ChartModel {
        let points =
            points.iter().map(|(ms, bytes)| SamplePoint { at: Duration::from_millis(*ms), memory: Bytes(*bytes) });
        let curve = PlottedCurve { label: String::new(), kind: CurveKind::Main, points: points.collect() };
        ChartModel { title: "a <b> & \"c\"".into(), curves: vec![curve], ..ChartModel::default() }
    }

    #[test]
    fn hostile_names_are_text_and_nothing_else() {
        let text = svg(&main(&[(0, 1), (10, 2)])).unwrap();
        assert!(text.contains("a &lt;b&gt; &amp;"), "{text}");
        assert!(!text.contains("<b>"));
    }

    #[test]
    fn no_samples_and_one_sample_are_pictures_too() {
        assert!(svg(&main(&[])).unwrap().contains("nothing was measured"));
        assert!(svg(&main(&[(0, 0)])).unwrap().contains("<circle"));
        assert!(png(&main(&[(5, 1 << 30)])).unwrap().starts_with(b"\x89PNG"));
    }

    proptest! {
        #[test]
        fn the_highest_sample_of_every_column_is_drawn(points in prop::collection::vec((0u64..5_000, 0u64..1 << 40), 1..400)) {
            let mut points = points;
            points.sort_unstable();
            let model = main(&points);
            let scales = Scales::of(&model);
            let columns = scales.columns(&model.curves[0].points, 1.0);
            for point in &model.curves[0].points {
                let column = columns.iter().find(|(x, _)| (x - scales.x(point.at).round()).abs() < 1e-9);
                prop_assert!(column.is_some_and(|(_, y)| *y <= scales.y(point.memory) + 1e-9));
            }
        }
    }
}
