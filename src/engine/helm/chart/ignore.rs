//! .helmignore: which files of a chart's directory do not belong to it.

use crate::helm::path_match::path_match;

/// The name of the file in a chart's root that holds the rules.
pub const HELMIGNORE: &str = ".helmignore";
/// Dot files below templates/ are never templates.
const DEFAULT_RULE: &str = "templates/.?*";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    #[error("syntax error in pattern")]
    BadPattern,
}

/// The rules of one chart, in order; evaluation stops at the first match.
#[derive(Debug, Default)]
pub struct IgnoreRules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    glob: String,
    negated: bool,
    directories_only: bool,
    /// A rule with a slash matches whole paths, any other one base names.
    whole_path: bool,
}

impl IgnoreRules {
    /// `text` is the .helmignore file, "" where there is none.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.lines().chain([DEFAULT_RULE]) {
            rules.extend(Rule::parse(line)?);
        }
        Ok(IgnoreRules(rules))
    }

    pub fn is_ignored(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.0 {
            let matched = rule.matches(path);
            if rule.negated {
                // A negated rule ignores whatever it does not match.
                if !matched || (rule.directories_only && !is_directory) {
                    return true;
                }
            } else if matched && (is_directory || !rule.directories_only) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, IgnoreError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        path_match(line, "abc").map_err(|_| IgnoreError::BadPattern)?;
        let (negated, glob) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (directories_only, glob) = match glob.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, glob),
        };
        let (whole_path, glob) = match glob.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (glob.contains('/'), glob),
        };
        Ok(Some(Rule {
            glob: glob.to_owned(),
            negated,
            directories_only,
            whole_path,
        }))
    }

    fn matches(&self, path: &str) -> bool {
        let name = if self.whole_path {
            path
        } else {
            path.rsplit('/').next().unwrap_or(path)
        };
        path_match(&self.glob, name).unwrap_or(false)
    }
}
