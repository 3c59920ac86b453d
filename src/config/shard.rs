//! Which part of the config's workloads this machine runs, and by what the parts of one whole are known.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::read::Reader;
use crate::verdict::Shard;

impl Reader {
    pub(super) fn shard(&mut self, typed: Option<&str>) -> Option<Shard> {
        let typed = typed?;
        match typed.parse() {
            Ok(shard) => Some(shard),
            Err(error) => {
                let place = self.sources.add("the command line", format!("--shard {typed}"), false);
                self.wrong("bad-shard", &place.part("--shard ".len()..place.span.end), error.what, error.help);
                None
            }
        }
    }
}

/// The SHA-256 of a config in hexadecimal digits. A checkout on Windows may have other line ends: they are left out.
pub(super) fn digest(text: &str) -> String {
    let mut hash = Sha256::new();
    text.split("\r\n").enumerate().for_each(|(index, part)| {
        hash.update(if index == 0 { "" } else { "\n" });
        hash.update(part);
    });
    hash.finalize().iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_known_by_its_text_whatever_its_line_ends() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest("abc"), known);
        assert_eq!(digest("a\r\nb\r\n"), digest("a\nb\n"));
        assert_ne!(digest("a\nb\n"), digest("a\nb"));
    }
}
