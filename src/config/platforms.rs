use std::path::Path;

use super::mistakes::Mistakes;
use super::node::Value;
use super::read::Reader;

/// The systems that a config has overrides for, such as `windows` or `linux-aarch64`, each once.
///
/// # Errors
/// When the file is no config, or its workloads can't be told.
pub fn platforms(path: &Path) -> Result<Vec<String>, Mistakes> {
    let mut reader = Reader::default();
    let mut found: Vec<String> = Vec::new();
    if let Some(file) = reader.file(Some(path)) {
        for (_, table, _) in reader.workloads(&file) {
            let Some(Value::Table(platforms)) = table.get("platform").map(|node| &node.value) else { continue };
            for (key, _) in &platforms.entries {
                if !found.contains(&key.name) {
                    found.push(key.name.clone());
                }
            }
        }
    }
    reader.done(found)
}
