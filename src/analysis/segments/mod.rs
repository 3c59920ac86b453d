//! The curve as a few straight stretches.

mod finding;
mod model;

pub use finding::{After, Finding, finding};
pub use model::{Segment, SegmentKind};
