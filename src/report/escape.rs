use unicode_width::UnicodeWidthStr as _;

/// Text that came from a workload or its author, made safe to print: nothing in it moves the cursor, colours, rings, breaks
/// the line or turns the direction of writing, and nothing is a command to a runner that reads along. At most `most` characters of
/// it.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == most {
            out.push('…');
            break;
        }
        out.push(match c {
            '\t' => ' ',
            _ if c.is_control() => '\u{fffd}',
            // GitHub's runner still obeys `##[error]` anywhere in a line: <https://github.com/actions/runner>, `ActionCommand.cs`.
            '[' if out.ends_with("##") => '\u{fffd}',
            // Marks and overrides of direction, line separators, spaces without width, tags.
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
            _ => c,
        });
    }
    out
}

/// The same in at most so many columns of a terminal, of which a wide character takes two.
#[must_use]
pub(super) fn fit(text: &str, columns: usize) -> String {
    // Marks that take no column are bounded as well.
    let mut text = plain(text, 2 * columns);
    if text.width() > columns {
        while text.width() >= columns && text.pop().is_some() {}
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_act_on_a_terminal_is_replaced() {
        assert_eq!(plain("a\x1b[31mb\u{202e}c\td\u{7}", 80), "a\u{fffd}[31mb\u{fffd}c d\u{fffd}");
    }

    #[test]
    fn no_command_to_a_runner_is_left() {
        assert_eq!(plain("a ##[add-mask]b ###[x] #[y]", 80), "a ##\u{fffd}add-mask]b ###\u{fffd}x] #[y]");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(plain("aaaa", 3), "aaa…");
        assert_eq!(plain("aaa", 3), "aaa");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abcd", 3), "ab…");
    }

    proptest! {
        #[test]
        fn what_is_made_to_fit_does(text in ".*", columns in 1usize..60) {
            prop_assert!(fit(&text, columns).width() <= columns);
        }

        #[test]
        fn no_control_character_is_left(text in ".*") {
            prop_assert!(!plain(&text, 100).chars().any(char::is_control));
        }
    }
}
