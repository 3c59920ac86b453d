use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::settings::LogFile;
use crate::os;

const CHUNK: usize = 64 << 10;
/// The most that is read of one file before the others have their turn.
const TURN: usize = 4 << 20;
/// A file that was renamed may still be written to: many programs reopen their log when they are told to, or later.
const LINGER: Duration = Duration::from_secs(5);

/// Files that the workload writes, followed through renaming and truncation. What they held at first is not taken.
#[derive(Debug)]
pub struct Followed {
    files: Vec<Follower>,
    buffer: Vec<u8>,
}

/// What a followed file brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// These bytes, read at this instant.
    Bytes(Instant, &'a [u8]),
    /// What comes next is from another file, or from its beginning: a line that was begun is not continued.
    Break,
}

#[derive(Debug)]
struct Follower {
    name: String,
    path: PathBuf,
    open: Option<Open>,
    /// What had the name before, until it is given up.
    renamed: Option<(Open, Instant)>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Open {
    file: File,
    position: u64,
}

impl Followed {
    /// Notes where the files end now. Those that are not there yet are waited for.
    #[must_use]
    pub fn begin(files: &[LogFile]) -> Self {
        let files = files.iter().map(|file| {
            let mut follower = Follower::new(&file.name, &file.path);
            follower.open = follower.try_open();
            if let Some(open) = &mut follower.open {
                // Where that fails it is read from its beginning: rather too much than nothing.
                open.position = open.file.seek(SeekFrom::End(0)).unwrap_or_default();
            }
            follower
        });
        Self { files: files.collect(), buffer: vec![0; CHUNK] }
    }

    /// Takes what the files have gained since the last time, each named by its place in the list; false when nothing.
    pub fn read(&mut self, mut take: impl FnMut(usize, Piece<'_>)) -> bool {
        let mut any = false;
        for (index, follower) in self.files.iter_mut().enumerate() {
            any |= follower.read(&mut self.buffer, &mut |piece| take(index, piece));
        }
        any
    }

    /// The files that were never there or could not be read, each in a sentence.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.files.iter().filter_map(Follower::notice).collect()
    }
}

impl Follower {
    fn new(name: &str, path: &Path) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), open: None, renamed: None, problem: None }
    }

    fn try_open(&mut self) -> Option<Open> {
        // Asked before it is opened: to open a pipe is to wait for its other end.
        let opened = match std::fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => File::open(&self.path).map_err(|error| error.to_string()),
            Ok(_) => Err("it is not a plain file".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => Err(error.to_string()),
        };
        match opened {
            Ok(file) => {
                self.problem = None;
                Some(Open { file, position: 0 })
            }
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8], take: &mut impl FnMut(Piece<'_>)) -> bool {
        let mut any = self.read_renamed(buffer, take);
        if self.open.is_none() {
            self.open = self.try_open();
        }
        let Some(open) = &mut self.open else { return any };
        any |= open.read(buffer, take);
        // Renamed and not yet made anew, it goes on under its new name.
        if os::is_file_at(&open.file, &self.path).unwrap_or(true) {
            return any;
        }
        let Some(new) = self.try_open() else { return any };
        if let Some(mut old) = self.open.replace(new) {
            any |= old.read(buffer, take);
            take(Piece::Break);
            self.renamed = Some((old, Instant::now()));
        }
        if let Some(new) = &mut self.open {
            any |= new.read(buffer, take);
        }
        any
    }

    fn read_renamed(&mut self, buffer: &mut [u8], take: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some((old, since)) = &mut self.renamed else { return false };
        let mut any = false;
        old.read(buffer, &mut |piece| {
            if !any {
                take(Piece::Break);
            }
            any = true;
            take(piece);
        });
        if any {
            take(Piece::Break);
        }
        if since.elapsed() >= LINGER {
            self.renamed = None;
        }
        any
    }

    fn notice(&self) -> Option<String> {
        let name = &self.name;
        match (&self.problem, &self.open) {
            (Some(problem), _) => Some(format!("the log `{name}` could not be read: {problem}")),
            (None, None) => Some(format!("the log `{name}` never appeared")),
            (None, Some(_)) => None,
        }
    }
}

impl Open {
    fn read(&mut self, buffer: &mut [u8], take: &mut impl FnMut(Piece<'_>)) -> bool {
        let length = self.file.metadata().map_or(self.position, |metadata| metadata.len());
        if length < self.position && self.file.seek(SeekFrom::Start(0)).is_ok() {
            self.position = 0;
            take(Piece::Break);
        }
        let mut taken = 0;
        while taken < TURN {
            match self.file.read(buffer) {
                Ok(0) => break,
                Ok(length) => {
                    take(Piece::Bytes(Instant::now(), &buffer[..length]));
                    taken += length;
                    self.position += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        taken > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use tempfile::TempDir;

    struct Fixture {
        folder: TempDir,
        followed: Followed,
    }

    impl Fixture {
        fn path(&self) -> PathBuf {
            self.folder.path().join("app.log")
        }

        fn append(&self, text: &str) {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(self.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// What is read, with `|` for a break.
        fn read(&mut self) -> String {
            let mut text = String::new();
            self.followed.read(|_, piece| match piece {
                Piece::Bytes(_, bytes) => text.push_str(std::str::from_utf8(bytes).unwrap()),
                Piece::Break => text.push('|'),
            });
            text
        }
    }

    fn follow(before: Option<&str>) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        before.into_iter().for_each(|text| fs::write(&path, text).unwrap());
        let followed = Followed::begin(&[LogFile { path, name: "app.log".to_owned(), time: None }]);
        Fixture { folder, followed }
    }

    #[test]
    fn what_was_there_before_is_not_taken() {
        let mut log = follow(Some("old\n"));
        assert_eq!(log.read(), "");
        log.append("new\n");
        assert_eq!((log.read().as_str(), log.read().as_str()), ("new\n", ""));
    }

    #[test]
    fn a_file_that_appears_later_is_taken_whole() {
        let mut log = follow(None);
        assert_eq!(log.read(), "");
        assert_eq!(log.followed.notices(), ["the log `app.log` never appeared"]);
        log.append("first\n");
        assert_eq!(log.read(), "first\n");
        assert!(log.followed.notices().is_empty());
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_and_beyond_while_the_new_one_begins() {
        let mut log = follow(Some(""));
        log.append("one\n");
        assert_eq!(log.read(), "one\n");
        log.append("two\n");
        let renamed = log.folder.path().join("app.log.1");
        fs::rename(log.path(), &renamed).unwrap();
        assert_eq!(log.read(), "two\n");
        fs::OpenOptions::new().append(true).open(&renamed).unwrap().write_all(b"three").unwrap();
        log.append("four\n");
        assert_eq!(log.read(), "three|four\n");
        fs::OpenOptions::new().append(true).open(&renamed).unwrap().write_all(b"late\n").unwrap();
        log.append("five\n");
        assert_eq!(log.read(), "|late\n|five\n");
    }

    #[test]
    fn a_truncated_file_is_read_from_its_beginning() {
        let mut log = follow(Some("long enough to be seen to shrink\n"));
        fs::write(log.path(), "").unwrap();
        log.append("anew\n");
        assert_eq!(log.read(), "|anew\n");
    }

    #[test]
    fn a_deleted_file_that_comes_again_is_another() {
        let mut log = follow(Some("old\n"));
        fs::remove_file(log.path()).unwrap();
        assert_eq!(log.read(), "");
        log.append("new\n");
        assert_eq!(log.read(), "|new\n");
    }

    #[test]
    fn what_is_no_file_is_told_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = LogFile { path: folder.path().to_owned(), name: "logs".to_owned(), time: None };
        let mut followed = Followed::begin(&[file]);
        assert!(!followed.read(|_, _| panic!("there is nothing to read")));
        assert_eq!(followed.notices(), ["the log `logs` could not be read: it is not a plain file"]);
    }
}
