use std::ops::Range;

/// Texts that settings are read from: the config file, and every flag.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: Vec<Source>,
}

/// One text, and how it is called in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    /// A flag has no lines to point at.
    pub(super) is_file: bool,
}

/// A stretch of one of the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    source: usize,
    pub(super) span: Range<usize>,
}

impl Sources {
    pub(super) fn add(&mut self, name: impl Into<String>, text: impl Into<String>, is_file: bool) -> Place {
        let text = text.into();
        let place = Place { source: self.texts.len(), span: 0..text.len() };
        self.texts.push(Source { name: name.into(), text, is_file });
        place
    }

    /// The file and the line of a place; None where it was typed on the command line.
    #[must_use]
    pub fn file_line(&self, place: &Place) -> Option<(&str, usize)> {
        let source = self.of(place);
        source.is_file.then(|| (source.name.as_str(), self.line(place)))
    }

    pub(super) fn of(&self, place: &Place) -> &Source {
        &self.texts[place.source]
    }

    /// The line that a place begins in; 1 for the first.
    pub(super) fn line(&self, place: &Place) -> usize {
        let text = self.of(place).text.as_bytes();
        1 + text[..place.span.start.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
    }
}

impl Place {
    pub(super) fn part(&self, span: Range<usize>) -> Self {
        Self { source: self.source, span }
    }
}
