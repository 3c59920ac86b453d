use std::sync::Arc;

use anyhow::Result;

/// Rows as they are stored: in a file of ours, read one at a time, or held in memory.
#[derive(Debug)]
pub enum Stored<File, Row> {
    /// In a file.
    File(File),
    /// In memory.
    Held(Held<Row>),
}

/// Rows in memory, handed out one at a time.
#[derive(Debug)]
pub struct Held<Row> {
    rows: Arc<[Row]>,
    next: usize,
}

impl<File, Row> Stored<File, Row> {
    pub(super) fn held(rows: &Arc<[Row]>) -> Self {
        Self::Held(Held { rows: Arc::clone(rows), next: 0 })
    }
}

impl<File: Iterator<Item = Result<Row>>, Row: Clone> Iterator for Stored<File, Row> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(file) => file.next(),
            Self::Held(held) => {
                let row = held.rows.get(held.next)?.clone();
                held.next += 1;
                Some(Ok(row))
            }
        }
    }
}
