//! The stored measures of earlier, accepted runs: found, missing, or not comparable.
//!
//! The file is TOML, committed beside the code and reviewed with it. What was written reads back the same, and is written
//! again byte for byte.

mod accept;
mod difference;
#[cfg(test)]
pub(crate) mod example;
mod file;
mod measure;
mod model;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub use accept::{AcceptedRun, entry_from};
pub use difference::{Change, Difference, EntryChange, MeasureChange, difference};
pub use measure::StoredMeasure;
pub use model::{Entry, Found, Key, SCHEMA, Settings, StoredCurve};
pub use store::Store;
