//! `programs.csv`: who held the memory, by program.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::model::{Holder, Program, ProgramRow};
use super::processes_csv::push_seconds;
use super::redact::Redactor;
use super::row_file::RowFile;
use super::rows::{Quoting, Row, Rows};
use super::snapshots::Snapshots;
use super::text::{harmless, push_cell, push_text, without_guard};
use crate::units::Bytes;

const HEADER: &str = "elapsed_s,program,processes,memory_bytes";

/// The program of a row that stands for all those that held too little to be named. One that is really called so counts among
/// them.
const OTHERS: &str = "(others)";

/// Writes `programs.csv`.
pub(super) struct ProgramWriter {
    file: RowFile,
    redactor: Redactor,
    snapshots: Snapshots,
}

impl ProgramWriter {
    /// Creates `programs.csv` with its header.
    pub(super) fn create(path: &Path, redactor: Redactor) -> Result<Self> {
        Ok(Self { file: RowFile::create(path, HEADER)?, redactor, snapshots: Snapshots::default() })
    }

    /// Takes a reading of the whole, and who holds it where that is wanted. Readings come in the order of time.
    pub(super) fn push<'a>(
        &mut self,
        at: Duration,
        total: Bytes,
        holders: impl FnOnce() -> Vec<Holder<'a>>,
    ) -> Result<()> {
        let (file, redactor) = (&mut self.file, &self.redactor);
        self.snapshots.push(at, total, holders, |row| write(row, file, redactor))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        let (file, redactor) = (&mut self.file, &self.redactor);
        self.snapshots.finish(|row| write(row, file, redactor))?;
        self.file.flush()
    }
}

fn write(row: &ProgramRow, file: &mut RowFile, redactor: &Redactor) -> Result<()> {
    let name = match &row.program {
        Program::Named(name) => redactor.apply(name),
        Program::Others => OTHERS.into(),
    };
    let mut scratch = String::new();
    let name = harmless(name.as_bytes(), 0, &mut scratch);
    file.row(|out| {
        push_seconds(Some(row.at), out);
        push_text(name, out);
        out.push(b',');
        push_cell(Some(u64::from(row.processes)), out);
        push_cell(Some(row.memory.0), out);
        out.pop();
        out.push(b'\n');
    })
}

/// The rows of a `programs.csv`, one at a time, in the order of time.
pub struct Programs {
    rows: Rows,
    last: Duration,
}

impl Programs {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { rows: Rows::open(path, HEADER, &Quoting::Allowed)?, last: Duration::ZERO })
    }

    pub(super) fn last_is_cut(&self) -> bool {
        self.rows.last_is_cut()
    }
}

impl Iterator for Programs {
    type Item = Result<ProgramRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let last = &mut self.last;
        self.rows.next_with(|row| {
            let program = program(row)?;
            row.follows(last, program.at)?;
            Ok(program)
        })
    }
}

fn program(row: &Row<'_>) -> Result<ProgramRow> {
    let program = match without_guard(row.text(1)?) {
        OTHERS => Program::Others,
        name => Program::Named(name.to_owned()),
    };
    Ok(ProgramRow { at: row.seconds(0)?, program, processes: row.count(2)?, memory: row.bytes(3)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::files;

    #[test]
    fn programs_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.csv");
        let redactor = Redactor::new(vec![regex::Regex::new("hunter[0-9]").unwrap()]);
        let mut writer = ProgramWriter::create(&path, redactor).unwrap();
        let commands: Vec<String> = (0..10).map(|index| format!("p{index}")).collect();
        let held = |command, memory| Holder { command, is_fork: false, memory: Bytes(memory) };
        writer
            .push(Duration::ZERO, Bytes(1100), || vec![held("=a,\u{1b}\"b", 100), held("sh hunter2.sh", 1000)])
            .unwrap();
        let all = || commands.iter().map(|command| held(command, 100)).collect();
        writer.push(Duration::from_millis(1500), Bytes(1000), all).unwrap();
        writer.finish().unwrap();
        let text = files::read_text(&path).unwrap();
        insta::assert_snapshot!(text.lines().take(6).collect::<Vec<_>>().join("\n"), @r#"
        elapsed_s,program,processes,memory_bytes
        0.000000,sh [redacted].sh,1,1000
        0.000000,"'=a,␛""b",1,100
        1.500000,sh [redacted].sh,0,0
        1.500000,"'=a,␛""b",0,0
        1.500000,p0,1,100
        "#);
        let read: Vec<ProgramRow> = Programs::open(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(read[1].program, Program::Named("=a,␛\"b".to_owned()));
        let others = read.last().unwrap();
        assert_eq!((&others.program, others.processes, others.memory), (&Program::Others, 2, Bytes(200)));
    }

    #[test]
    fn a_damaged_row_is_told_with_its_line_and_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("programs.csv");
        for (row, told) in [
            ("x,a,1,1", "line 3: elapsed_s is not a number of seconds: \"x\""),
            ("1.0,a,-1,1", "line 3: processes is not a whole number: \"-1\""),
            ("1.0,a,1,", "line 3: memory_bytes is not a whole number of bytes: \"\""),
            ("0.4,a,1,1", "line 3: elapsed_s is less than in the row before: \"0.4\""),
            ("1.0,a", "line 3: has 2 cells, not 4"),
        ] {
            files::replace(&path, format!("{HEADER}\n0.5,a,1,1\n{row}\n").as_bytes()).unwrap();
            let error = Programs::open(&path).unwrap().collect::<Result<Vec<_>>>().unwrap_err().to_string();
            assert!(error.contains(told), "{row}: {error}");
        }
    }
}
