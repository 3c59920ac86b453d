use std::fmt::Write as _;

use serde::Serialize;

use crate::report::escape::plain;

/// HTML in the making. Text gets in by [`Markup::text`] and as the value of an attribute, escaped in both; nothing else is
/// taken but words of our own.
#[derive(Debug, Default)]
pub(super) struct Markup {
    html: String,
}

/// Names and values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// Our own, as it is.
    pub(super) fn verbatim(&mut self, html: &'static str) {
        self.html.push_str(html);
    }

    /// `<tag name="value">`
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.html, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.html, " {name}=\"");
            self.text(value);
            self.html.push('"');
        }
        self.html.push('>');
    }

    pub(super) fn close(&mut self, tag: &'static str) {
        let _ = writeln!(self.html, "</{tag}>");
    }

    /// An element that holds text alone.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.open(tag, attributes);
        self.text(text);
        let _ = write!(self.html, "</{tag}>");
    }

    /// Text that a workload may have written: no markup, no control characters, no turns of the direction of writing.
    pub(super) fn text(&mut self, text: &str) {
        for c in plain(text, usize::MAX).chars() {
            match c {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                _ => self.html.push(c),
            }
        }
    }

    /// A sentence of ours: what stands between back-ticks is code. Text that came from elsewhere may be in it, and is text there.
    pub(super) fn prose(&mut self, text: &str) {
        let pieces: Vec<&str> = text.split('`').collect();
        // One that is not closed is no code.
        if pieces.len().is_multiple_of(2) {
            return self.text(text);
        }
        for (index, piece) in pieces.into_iter().enumerate() {
            if index.is_multiple_of(2) {
                self.text(piece);
            } else {
                self.element("code", &[], piece);
            }
        }
    }

    /// A picture that our own renderer made.
    pub(super) fn svg(&mut self, svg: &str) {
        self.html.push_str(svg);
    }

    /// Data for the script, which the browser does not run. Nothing in it can end the element or begin a comment in it.
    pub(super) fn json(&mut self, id: &'static str, data: &impl Serialize) -> serde_json::Result<()> {
        let json = serde_json::to_string(data)?;
        let _ = write!(self.html, "<script type=\"application/json\" id=\"{id}\">");
        for c in json.chars() {
            match c {
                // Outside of strings JSON has none of these.
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.html, "\\u{:04x}", u32::from(c));
                }
                _ => self.html.push(c),
            }
        }
        self.html.push_str("</script>\n");
        Ok(())
    }

    /// In bytes, so far.
    pub(super) const fn len(&self) -> usize {
        self.html.len()
    }

    pub(super) fn finish(self) -> String {
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(make: impl FnOnce(&mut Markup)) -> String {
        let mut markup = Markup::default();
        make(&mut markup);
        markup.finish()
    }

    #[test]
    fn text_is_text_in_elements_and_in_attributes() {
        let hostile = "\"><img src=x onerror='alert(1)'>&amp;\u{202e}\u{1b}[31m";
        let html = made(|html| html.element("p", &[("title", hostile)], hostile));
        let escaped = "&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;amp;\u{fffd}\u{fffd}[31m";
        assert_eq!(html, format!("<p title=\"{escaped}\">{escaped}</p>"));
    }

    #[test]
    fn data_can_not_end_its_element() {
        let html = made(|html| html.json("data", &["</script><!--<script>&\u{2028}\u{2029}"]).unwrap());
        let inner = r"\u003c/script\u003e\u003c!--\u003cscript\u003e\u0026\u2028\u2029";
        assert_eq!(html, format!("<script type=\"application/json\" id=\"data\">[\"{inner}\"]</script>\n"));
    }

    #[test]
    fn what_stands_between_back_ticks_is_code_and_nothing_else_is() {
        let prose = |text| made(|html| html.prose(text));
        assert_eq!(prose("raise `--peak` or `<b>`"), "raise <code>--peak</code> or <code>&lt;b&gt;</code>");
        assert_eq!(prose("an odd ` stays"), "an odd ` stays");
        assert_eq!(prose("none"), "none");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_element(text in ".*") {
            let html = made(|html| html.element("p", &[("title", &text)], &text));
            prop_assert_eq!(html.matches('<').count(), 2);
            prop_assert_eq!(html.matches('"').count(), 2);
        }

        #[test]
        fn data_reads_back(text in ".*") {
            let html = made(|html| html.json("data", &text).unwrap());
            let json = html.trim_start_matches("<script type=\"application/json\" id=\"data\">").trim_end();
            let json = json.trim_end_matches("</script>");
            prop_assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
        }
    }
}
