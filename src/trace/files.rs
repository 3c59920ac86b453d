//! The file system, with the path in every error.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Creates a folder and those above it; one that is there already is kept as it is.
///
/// # Errors
/// When it can't be created, or a file stands in its place.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not create the folder `{}`", path.display()))
}

/// Creates a file for writing; what was in it is gone.
///
/// # Errors
/// When it can't be created.
pub fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("could not create `{}`", path.display()))
}

/// Opens a file for reading.
///
/// # Errors
/// When it can't be opened.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("could not open `{}`", path.display()))
}

/// Opens a file for reading that must be a plain one: to open a pipe would be to wait for its other end.
///
/// # Errors
/// When it can't be opened, or is something else.
pub fn open_plain(path: &Path) -> Result<File> {
    let in_file = || format!("could not open `{}`", path.display());
    if !fs::metadata(path).with_context(in_file)?.is_file() {
        bail!("`{}` is no plain file", path.display());
    }
    open(path)
}

/// Reads a whole text file.
///
/// # Errors
/// When it can't be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}

/// Reads a whole text file of at most so many bytes.
///
/// # Errors
/// When it can't be read, is no plain file, is larger, or is not UTF-8.
pub fn read_text_within(path: &Path, most: u64) -> Result<String> {
    use std::io::Read as _;
    let in_file = || format!("could not read `{}`", path.display());
    let mut text = String::new();
    open_plain(path)?.take(most.saturating_add(1)).read_to_string(&mut text).with_context(in_file)?;
    if text.len() as u64 > most {
        bail!("`{}` is larger than {most} bytes, and no such file is", path.display());
    }
    Ok(text)
}

/// The paths in a folder, sorted by name.
///
/// # Errors
/// When the folder can't be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    read().with_context(|| format!("could not read the folder `{}`", folder.display()))
}

/// Puts a file in place whole: whoever reads the path sees the old contents or the new, never a part.
///
/// # Errors
/// When the file or its neighbour `<name>.tmp` can't be written.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    // Synced before it is renamed: else a power cut could leave the new name on an empty file.
    put(path, contents, File::sync_all)
}

/// As [`replace`], for what can be drawn again from the rest: it does not wait for the disk, which takes longer than the drawing.
///
/// # Errors
/// As those of [`replace`].
pub fn replace_drawn(path: &Path, contents: &[u8]) -> Result<()> {
    put(path, contents, |_| Ok(()))
}

fn put(path: &Path, contents: &[u8], finish: fn(&File) -> std::io::Result<()>) -> Result<()> {
    let mut temporary = OsString::from(path);
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let mut file = create(&temporary)?;
    let written = file.write_all(contents).and_then(|()| finish(&file));
    drop(file);
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| _ = fs::remove_file(&temporary))
        .with_context(|| format!("could not write `{}`", path.display()))
}

/// Gives a file another name; a file that has it is gone.
///
/// # Errors
/// When it can't be renamed.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("could not rename `{}` to `{}`", from.display(), to.display()))
}

/// Removes a file. There may be none.
///
/// # Errors
/// When it is there and can't be removed.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(read_text(&path).unwrap(), "new");
        assert_eq!(list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn every_error_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").join("file");
        let shown = format!("`{}`", missing.display());
        for error in [
            create(&missing).unwrap_err(),
            open(&missing).unwrap_err(),
            read_text(&missing).unwrap_err(),
            list(&missing).unwrap_err(),
        ] {
            assert!(error.to_string().contains(&shown), "{error}");
        }
        let error = replace(&missing, b"").unwrap_err().to_string();
        assert!(error.contains("file.tmp"), "{error}");
    }
}
