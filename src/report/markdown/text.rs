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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
