use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

/// The policy of a page with this style and this script, by their hashes: nothing else runs, and nothing is loaded.
///
/// Source: Content Security Policy Level 3, <https://www.w3.org/TR/CSP3/>. A policy in a `meta` can't forbid to be framed.
pub(super) fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_the_hashes_that_browsers_compute() {
        // Of the empty text, from the secure hash standard's examples.
        let empty = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
        let policy = policy("", "");
        assert!(policy.contains(&format!("style-src {empty}; script-src {empty};")), "{policy}");
    }
}
