//! Programs of a known memory shape, to try a gate with. The demo runs one.

mod parse;
mod run;
mod script;

pub use script::{GRAMMAR, Script, ScriptError};

/// What `memguard demo` runs: nearly all of its memory is taken while it starts, a little leaks with every batch, and the end
/// is a short burst.
pub const DEMO: &str = r#"
log "starting"; hold 300ms
log "opening the catalogue"; ramp 30MiB 400ms
log "loading the index"; ramp 180MiB 1200ms
log "building lookup tables"; ramp 40MiB 500ms
log "loaded 2,000,000 rows"; hold 400ms
repeat 12 { log "processing batch {round}"; grow 1500KiB 200ms; hold 260ms }
err "warning: 3 rows skipped"; hold 60ms
log "sorting the results"; spike 45MiB 400ms
log "writing the report"; hold 600ms
log "done"
"#;

/// The line that ends the demo's start-up.
pub const DEMO_READY: &str = r"loaded [\d,]+ rows";
