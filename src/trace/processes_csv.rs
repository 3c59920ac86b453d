//! `processes.csv`: every process of the tree, written when it ended.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::model::ProcessRow;
use super::redact::Redactor;
use super::row_file::RowFile;
use super::rows::{Quoting, Row, Rows};
use super::text::{LONGEST, harmless, push_cell, push_last_cell, without_guard};

const HEADER: &str = "pid,parent_pid,started_s,ended_s,peak_bytes,command";

/// Writes `processes.csv`.
pub(super) struct ProcessWriter {
    file: RowFile,
    redactor: Redactor,
    scratch: String,
}

impl ProcessWriter {
    /// Creates `processes.csv` with its header.
    pub(super) fn create(path: &Path, redactor: Redactor) -> Result<Self> {
        Ok(Self { file: RowFile::create(path, HEADER)?, redactor, scratch: String::new() })
    }

    /// Writes a process: when it has ended, or at the end of the run.
    pub(super) fn push(&mut self, process: &ProcessRow) -> Result<()> {
        let ProcessRow { pid, parent_pid, started, ended, peak, command } = process;
        let command = self.redactor.apply(command);
        let command = command.as_bytes();
        let kept = &command[..command.len().min(LONGEST)];
        let command = harmless(kept, (command.len() - kept.len()) as u64, &mut self.scratch);
        self.file.row(|out| {
            push_cell(Some(u64::from(*pid)), out);
            push_cell(Some(u64::from(*parent_pid)), out);
            push_seconds(Some(*started), out);
            push_seconds(*ended, out);
            push_cell(peak.map(|bytes| bytes.0), out);
            push_last_cell(command, out);
        })
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

pub(super) fn push_seconds(time: Option<Duration>, out: &mut Vec<u8>) {
    let _ = match time {
        Some(time) => write!(out, "{}.{:06},", time.as_secs(), time.subsec_micros()),
        None => write!(out, ","),
    };
}

/// The rows of a `processes.csv`, one at a time, in the order in which the processes ended.
pub struct Processes {
    rows: Rows,
}

impl Processes {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { rows: Rows::open(path, HEADER, &Quoting::Allowed)? })
    }

    pub(super) fn last_is_cut(&self) -> bool {
        self.rows.last_is_cut()
    }
}

impl Iterator for Processes {
    type Item = Result<ProcessRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next_with(process)
    }
}

fn process(row: &Row<'_>) -> Result<ProcessRow> {
    Ok(ProcessRow {
        pid: row.count(0)?,
        parent_pid: row.count(1)?,
        started: row.seconds(2)?,
        ended: row.optional_seconds(3)?,
        peak: row.optional_bytes(4)?,
        command: without_guard(row.text(5)?).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::files;
    use crate::units::Bytes;

    fn process(pid: u32, command: &str) -> ProcessRow {
        let started = Duration::from_micros(1_500_000);
        ProcessRow { pid, parent_pid: 1, started, ended: None, peak: None, command: command.to_owned() }
    }

    #[test]
    fn processes_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("processes.csv");
        let mut writer = ProcessWriter::create(&path, Redactor::default()).unwrap();
        let ended =
            ProcessRow { ended: Some(Duration::from_secs(2)), peak: Some(Bytes(9)), ..process(7, "sh -c \"a, b\"") };
        let odd = process(8, "-bash\n=1");
        let long = process(9, &"é".repeat(LONGEST));
        for row in [&ended, &odd, &long] {
            writer.push(row).unwrap();
        }
        writer.flush().unwrap();
        let text = files::read_text(&path).unwrap();
        insta::assert_snapshot!(text.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
        pid,parent_pid,started_s,ended_s,peak_bytes,command
        7,1,1.500000,2.000000,9,"sh -c ""a, b"""
        8,1,1.500000,,,'-bash␊=1
        "#);
        let read: Vec<ProcessRow> = Processes::open(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(read[0], ended);
        assert_eq!(read[1].command, "-bash␊=1");
        assert!(read[2].command.ends_with("é … (8192 bytes more)"));
    }

    #[test]
    fn secrets_in_command_lines_are_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("processes.csv");
        let redactor = Redactor::new(vec![regex::Regex::new("hunter[0-9]").unwrap()]);
        let mut writer = ProcessWriter::create(&path, redactor).unwrap();
        writer.push(&process(7, "login --password hunter2")).unwrap();
        writer.flush().unwrap();
        assert!(files::read_text(&path).unwrap().ends_with(",login --password [redacted]\n"));
    }
}
