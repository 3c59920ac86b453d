//! The graph: a model computed once, drawn as SVG and PNG by the same hand.

mod axis;
mod dashes;
mod draw;
mod labels;
mod model;

pub use draw::{png, svg};
pub use model::{ChartModel, CurveKind, Line, PlottedCurve, Shade, baseline_points, median_run, of, overlay};
