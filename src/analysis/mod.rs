//! What a trace says: peak, start-up, retained memory, phases. Pure functions of the trace and of [`Rules`].

mod model;

pub use model::{Certainty, Edge, Measured, Measures, Peak, PhaseMeasures, PhaseRule, ReadyRule, Rules};
