//! What a trace says: peak, start-up, retained memory, phases. Pure functions of the trace and of [`Rules`].

mod marks;
mod measure;
mod model;
mod retained;
pub mod stats;
#[cfg(test)]
mod tests;
mod window;

pub use measure::{line_near, measure};
pub use model::{Certainty, Edge, Measured, Measures, Peak, PhaseMeasures, PhaseRule, ReadyRule, Rules};
