use std::path::Path;

use jiff::Timestamp;

use super::flags::FlagTable;
use super::layers::Layers;
use super::mistakes::Mistakes;
use super::node::Value;
use super::read::Reader;
use crate::cli::ImportFlags;
use crate::trace::foreign::Columns;
use crate::units::Bytes;
use crate::workload::LogFile;

/// How files of other programs are to be read.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Which columns of a table are meant.
    pub columns: Columns,
    /// The logs that were written meanwhile.
    pub logs: Vec<LogFile>,
    /// When the recording began, where its file does not say it.
    pub began: Option<Timestamp>,
}

/// How files of other programs are to be read.
///
/// # Errors
/// Everything that is wrong in the flags.
pub fn plan_import(typed: &ImportFlags) -> Result<Import, Mistakes> {
    let mut reader = Reader::default();
    let mut flags = FlagTable::new(&mut reader);
    flags.logs("--log", &typed.log);
    let unit = typed.unit.as_ref().map(|unit| flags.node("--unit", unit, 0, Value::Text(unit.clone())));
    let began = typed.began.as_ref().map(|began| flags.node("--began", began, 0, Value::Text(began.clone())));
    let table = flags.finish();
    let logs = reader.logs(&Layers::new([&table]), Path::new(""));
    let unit = unit.and_then(|node| {
        let text = typed.unit.as_deref().unwrap_or_default();
        let unit = format!("1 {text}").parse::<Bytes>();
        if unit.is_err() {
            let help = "write B, KiB, MiB, GiB (powers of 1024), kB, MB or GB (powers of 1000)";
            reader.wrong("wrong-unit", &node.place, format!("`{text}` is not a unit of memory"), help);
        }
        unit.ok()
    });
    let began = began.and_then(|node| {
        let text = typed.began.as_deref().unwrap_or_default();
        let began = text.parse::<Timestamp>();
        if began.is_err() {
            let help =
                "write a date with its time and offset, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00";
            reader.wrong("wrong-time", &node.place, format!("`{text}` is not a point in time"), help);
        }
        began.ok()
    });
    let columns =
        Columns { time: typed.time_column.clone(), memory: typed.memory_column.clone(), unit, ..Columns::default() };
    reader.done(Import { columns, logs, began })
}
