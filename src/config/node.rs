use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::sources::Place;

/// A value with the place where it was written, whoever wrote it: a file or a flag.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Array(Vec<Node>),
    Table(Table),
    /// A date, or a number that no one needs: by its kind.
    Other(&'static str),
}

/// The keys of a table in the order in which they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<(Key, Node)>,
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Table {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// From what the TOML parser read; `file` is any place in the same text.
    pub(super) fn from_toml(table: &DeTable<'_>, file: &Place) -> Self {
        let mut entries: Vec<(Key, Node)> = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().clone().into_owned();
                (Key { name, place: file.part(key.span()) }, Node::from_toml(value, file))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.place.span.start);
        Self { entries }
    }
}

impl Node {
    fn from_toml(value: &Spanned<DeValue<'_>>, file: &Place) -> Self {
        let place = file.part(value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .map_or(Value::Other("integer"), Value::Integer),
            DeValue::Float(number) => {
                number.as_str().replace('_', "").parse().map_or(Value::Other("float"), Value::Float)
            }
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Array(values) => Value::Array(values.iter().map(|value| Self::from_toml(value, file)).collect()),
            DeValue::Table(table) => Value::Table(Table::from_toml(table, file)),
            DeValue::Datetime(_) => Value::Other("date"),
        };
        Self { place, value }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }
}
