//! The stored measures of earlier, accepted runs: found, missing, or not comparable.

mod model;

pub use model::{Entry, Found, Key, SCHEMA, Settings, StoredCurve};
