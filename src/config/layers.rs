use super::node::{Node, Table, Value};

/// Tables that say the same kind of thing, the first winning: flags, a platform's override, the workload, the defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers<'a>(Vec<&'a Table>);

impl<'a> Layers<'a> {
    pub(super) fn new(tables: impl IntoIterator<Item = &'a Table>) -> Self {
        Self(tables.into_iter().collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.0.iter().find_map(|table| table.get(key))
    }

    /// The tables that stand at a key, in the same order.
    pub(super) fn inner(&self, key: &str) -> Self {
        let tables = self.0.iter().filter_map(|table| match &table.get(key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
        Self(tables.collect())
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &'a Table> {
        self.0.iter().copied()
    }
}
