//! What a trace says: peak, start-up, retained memory, phases. Pure functions of the trace and of [`Rules`].

mod commands;
mod excerpt;
mod growth;
mod levels;
mod log_growth;
mod marks;
mod measure;
mod model;
mod part;
mod programs;
mod proposal;
mod quality;
mod retained;
mod segments;
pub mod stats;
mod survey;
mod templates;
#[cfg(test)]
mod tests;
mod top;
mod window;

pub use commands::{CommandUse, largest_commands};
pub use excerpt::{Excerpt, ExcerptBuilder, ExcerptLine};
pub use growth::Growth;
pub use log_growth::{LogGrowth, OtherTemplates, TEMPLATES_SHOWN, TemplateGrowth, Unseen, log_growth};
pub use measure::{line_near, measure};
pub use model::{Edge, Estimate, Measured, Measures, Peak, PhaseMeasures, PhaseRule, Quality, ReadyRule, Rules};
pub use programs::{Band, ProgramBands, program_bands};
pub use proposal::{Proposal, ProposedLine, propose_ready};
pub use segments::{After, Finding, Outline, Segment, SegmentKind, finding, segments};
