//! A judged result, shown: numbers are chosen once (table, chart model), then drawn for the terminal, SVG, PNG and JSON.
//! No renderer changes the verdict.

pub mod baseline_text;
pub mod chart;
mod compare;
mod details;
mod escape;
mod finding;
mod json;
mod log_growth;
mod table;
mod terminal;

pub use compare::{Pair, Side, compare};
pub use details::Details;
pub use escape::plain;
pub use finding::{ready_sentence, sentence};
pub use json::results;
pub use table::{Row, rows};
pub use terminal::{Options, render};
