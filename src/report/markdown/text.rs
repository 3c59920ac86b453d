//! Text of a workload in Markdown: a code span, in which nothing is rendered, linked, or mentioned.

use crate::report::escape::plain;

/// The text as a code span that is safe in a table cell, too: at most `most` characters, on one line.
pub(super) fn code(text: &str, most: usize) -> String {
    let text: String = plain(text.trim(), most)
        .chars()
        .map(|c| match c {
            // Either could end the span, or the cell around it.
            '`' => '´',
            '|' => '¦',
            _ => c,
        })
        .collect();
    // A backslash before the closing mark is one in a span, but not for the splitter of a table's cells.
    let text = text.replace('\\', "\u{2216}");
    match text.trim() {
        "" => "` `".to_owned(),
        text => format!("`{text}`"),
    }
}

/// A sentence of ours, which may hold names of others: as it is where it can be nothing but words, else as a code span.
pub(super) fn prose(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || " .,()%+:'-/≥≤±".contains(c);
    let is_link = text.contains("www.") || text.contains("//");
    // Our own sentences name commands and files in code spans: every second piece is one.
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len() % 2 == 1 && !is_link {
        let shown = pieces.iter().enumerate().map(|(index, piece)| match (index % 2, *piece) {
            (1, piece) => Some(code(piece, 600)),
            (_, piece) if piece.chars().all(is_word) => Some(piece.to_owned()),
            _ => None,
        });
        if let Some(shown) = shown.collect::<Option<String>>() {
            return shown;
        }
    }
    code(text, 600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sentence_is_prose_unless_it_holds_more_than_words() {
        let ours = "peak is 2.0 MiB (+5.0%), or raise `--peak`";
        assert_eq!(prose(ours), ours);
        for hostile in ["@all peak is 1 B", "#1 peak", "<b> peak", "see www.x.y", "http://x", "a `b", "*x*", "[a](b)"] {
            let shown = prose(hostile);
            assert!(shown.starts_with('`') && shown.ends_with('`'), "{shown}");
        }
    }

    #[test]
    fn hostile_names_are_code_and_nothing_else() {
        assert_eq!(code("@everyone ![](http://x)", 80), "`@everyone ![](http://x)`");
        assert_eq!(code("a`|b\\", 80), "`a´¦b\u{2216}`");
        assert_eq!(code("<script>alert(1)</script>\n# x", 80), "`<script>alert(1)</script>\u{fffd}# x`");
        assert_eq!(code("", 80), "` `");
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_span(text in "\\PC*|[`|\\\\ \n@<>]*") {
            let span = code(&text, 200);
            let inner = &span[1..span.len() - 1];
            prop_assert!(span.starts_with('`') && span.ends_with('`') && !inner.contains(['`', '|', '\n', '\\']));
        }
    }
}
