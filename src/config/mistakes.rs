use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::sources::{Place, Sources};

/// One thing wrong in the config or on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// A short name that does not change: `unknown-key`.
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// What is wrong, naming the value.
    pub what: String,
    /// What would be right.
    pub help: String,
}

/// Everything found wrong. Nothing is run.
#[derive(Debug, Clone)]
pub struct Mistakes {
    /// In the order of the text; never empty.
    pub found: Vec<Mistake>,
    /// What they point into.
    pub sources: Sources,
}

/// More than these help nobody.
const SHOWN: usize = 20;

impl Mistakes {
    /// Each as file, line, the text with a mark under the fault, and what would be right.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
        let mut blocks: Vec<String> =
            self.found.iter().take(SHOWN).map(|mistake| self.block(mistake, &renderer)).collect();
        if self.found.len() > SHOWN {
            blocks.push(format!("… and {} more", self.found.len() - SHOWN));
        }
        // What GitHub's runner would obey, wherever it stands in a line.
        blocks.join("\n\n").replace("##[", "##\u{fffd}")
    }

    fn block(&self, mistake: &Mistake, renderer: &Renderer) -> String {
        let source = self.sources.of(&mistake.place);
        let title = Level::ERROR.primary_title(&mistake.what);
        let help = Level::HELP.message(&mistake.help);
        let name = &source.name;
        if source.text.is_empty() {
            return renderer.render(&[title.element(annotate_snippets::Origin::path(name)).element(help)]);
        }
        let length = source.text.len();
        let mut span = mistake.place.span.start.min(length)..mistake.place.span.end.min(length);
        // Never in the middle of a character, whoever counted.
        while !source.text.is_char_boundary(span.start) {
            span.start -= 1;
        }
        while !source.text.is_char_boundary(span.end) {
            span.end += 1;
        }
        let snippet = Snippet::source(&source.text)
            .path(name)
            .line_numbering(source.is_file)
            .annotation(AnnotationKind::Primary.span(span));
        renderer.render(&[title.element(snippet).element(help)])
    }
}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}
