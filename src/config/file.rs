use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::keys;
use super::node::Table;
use super::read::Reader;
use super::sources::Place;

/// Where the config is looked for.
pub const DEFAULT_FILE: &str = "memguard.toml";
/// The config file as it was read, with the folder that its paths start from.
pub(super) struct File {
    pub(super) table: Table,
    pub(super) folder: PathBuf,
    pub(super) place: Place,
}

impl Reader {
    /// Reads the config; None where something is wrong with it as a file.
    pub(super) fn file(&mut self, named: Option<&Path>) -> Option<File> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let bytes = match read_some(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let place = self.sources.add(path.display().to_string(), "", true);
                let help = "name another with --config, write one with `memguard init`, or run a command without one: \
                            `memguard run --peak 512MiB -- CMD`";
                let (code, what) = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        ("no-config", format!("there is no config file `{}`", path.display()))
                    }
                    std::io::ErrorKind::IsADirectory => {
                        ("config-is-folder", format!("`{}` is a folder, and a config file is wanted", path.display()))
                    }
                    // Windows says of a folder that access is denied.
                    _ if path.is_dir() => {
                        ("config-is-folder", format!("`{}` is a folder, and a config file is wanted", path.display()))
                    }
                    _ => ("config-unreadable", format!("the config file `{}` can't be read: {error}", path.display())),
                };
                self.wrong(code, &place, what, help);
                return None;
            }
        };
        if bytes.len() > LARGEST {
            let place = self.sources.add(path.display().to_string(), "", true);
            let what = format!("`{}` is larger than a config can be (1 MiB)", path.display());
            self.wrong("config-too-large", &place, what, "name the config with --config");
            return None;
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let place = self.sources.add(path.display().to_string(), text, true);
                let what = format!("the config file is not UTF-8: byte {} begins no character", at + 1);
                self.wrong("not-utf8", &place.part(at..at + 1), what, "save it as UTF-8");
                return None;
            }
        };
        self.parse(path, &text)
    }

    /// Reads the text of a config that stands or stood in the file at `path`.
    pub(super) fn parse(&mut self, path: &Path, text: &str) -> Option<File> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let place = self.sources.add(path.display().to_string(), text, true);
        let (parsed, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let place = error.span().map_or_else(|| place.clone(), |span| place.part(span));
            self.wrong(
                "bad-toml",
                &place,
                error.message().to_owned(),
                "the file is TOML: key = \"value\"; texts stand in quotes",
            );
        }
        if !errors.is_empty() {
            return None;
        }
        let table = Table::from_toml(parsed.get_ref(), &place);
        self.check_keys(&table, keys::TOP, "the config");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(File { table, folder: folder.to_owned(), place })
    }
}

/// Larger than any config: whatever it is, it need not be read whole.
const LARGEST: usize = 1 << 20;

/// The file, or enough of it to see that it is too large.
fn read_some(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
