//! Globs as projects use them, and the form in which repositories compare.

use crate::value::glob::Glob;

/// What one pattern of a list says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Yes,
    No,
    /// A pattern with `!` names the text: nothing else counts.
    Denied,
}

/// One pattern, `!` in front of it denying what it names. A denial that does
/// not apply allows, as upstream has it.
pub fn match_with_denial(pattern: &str, text: &str, separators: &[char]) -> Match {
    match pattern.strip_prefix('!') {
        Some(denied) => match Glob::gobwas(denied, separators) {
            Ok(glob) if !glob.matches(text) => Match::Yes,
            Ok(_) | Err(_) => Match::Denied,
        },
        None if matches(pattern, text, separators) => Match::Yes,
        None => Match::No,
    }
}

pub fn matches(pattern: &str, text: &str, separators: &[char]) -> bool {
    pattern == "*" || Glob::gobwas(pattern, separators).is_ok_and(|glob| glob.matches(text))
}

/// A repository's URL in the form in which Argo CD compares them: lower case,
/// without `.git`, ssh without its scheme.
pub fn normalized_url(url: &str) -> String {
    let mut url = url.trim().to_lowercase();
    let is_scp = !url.contains("://")
        && url
            .split_once(':')
            .is_some_and(|(host, _)| host.contains('@'));
    if is_scp {
        url = url.replacen(':', "/", 1);
    }
    let url = url.strip_suffix(".git").unwrap_or(&url);
    url.strip_prefix("ssh://").unwrap_or(url).to_owned()
}
