//! A judged result, shown: numbers are chosen once (table, chart model), then drawn for the terminal, SVG, PNG and JSON.
//! No renderer changes the verdict.

pub mod baseline_text;
pub mod chart;
mod compare;
mod details;
mod edits;
mod escape;
mod explain;
mod finding;
mod html;
mod json;
mod junit;
mod live;
mod log_growth;
mod markdown;
mod table;
mod term_chart;
mod terminal;
#[cfg(test)]
mod tests;

pub use compare::{Pair, Side, compare};
pub use details::Details;
pub use edits::{Edits, sentence as edit_sentence};
pub use escape::plain;
pub use explain::{to_do, what};
pub use finding::{proposal_sentence, sentence};
pub use html::{page, page_of_curves, page_of_recording};
pub use json::{Recorded, RecordedWorkload, overall, recorded, results};
pub use junit::junit;
pub use live::{Live, Moment};
pub use markdown::{Links, Place, markdown};
pub use table::{Row, name as subject_name, rows};
pub use term_chart::{Look, term_charts};
pub use terminal::{Options, render};
