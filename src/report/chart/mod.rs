//! The graph: a model computed once, drawn as SVG and PNG by the same hand.

mod axis;
mod bands;
mod dashes;
mod draw;
mod labels;
mod model;
mod palette;
mod scales;
mod shades;
mod tracks;

pub use draw::{png, still, svg};
pub use model::{
    ChartModel, CurveKind, Line, PlottedCurve, Shade, baseline_points, mapped_files, median_run, of, overlay,
};
pub use tracks::LogMark;
