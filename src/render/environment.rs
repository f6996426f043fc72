//! The variables that parameters, names of files and the like may use.

use super::Request;
use crate::app::is_reference;
use std::cell::Cell;

pub(super) struct Environment<'a> {
    variables: [(&'static str, &'a str); 9],
    pub used_revision: Cell<bool>,
}

impl<'a> Environment<'a> {
    pub fn of(request: &Request<'a>) -> Self {
        let revision = request.revision;
        let short = |n: usize| revision.get(..n).unwrap_or(revision);
        Environment {
            variables: [
                ("ARGOCD_APP_NAME", request.name),
                ("ARGOCD_APP_NAMESPACE", request.namespace),
                ("ARGOCD_APP_PROJECT_NAME", request.project),
                ("ARGOCD_APP_REVISION", revision),
                ("ARGOCD_APP_REVISION_SHORT", short(7)),
                ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
                ("ARGOCD_APP_SOURCE_PATH", &request.source.path),
                ("ARGOCD_APP_SOURCE_REPO_URL", &request.source.repo_url),
                (
                    "ARGOCD_APP_SOURCE_TARGET_REVISION",
                    &request.source.target_revision,
                ),
            ],
            used_revision: Cell::new(false),
        }
    }

    /// A file's name: in front of it a `$ref/` is another source, no variable.
    pub fn substitute_path(&self, path: &str) -> String {
        let (first, below) = path.split_once('/').unwrap_or((path, ""));
        match first.strip_prefix('$') {
            Some(name) if self.value(name).is_none() && is_reference(name) => {
                format!("{first}/{}", self.substitute(below))
            }
            Some(_) | None => self.substitute(path),
        }
    }

    /// `$NAME` and `${NAME}`, as Go's os.Expand reads them: what is no variable is
    /// nothing, and `$$` is a dollar.
    pub fn substitute(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, left) = match after.strip_prefix('{') {
                Some(inner) => match inner.split_once('}') {
                    Some((name, left)) => (Some(name), left),
                    // The brace goes, and what follows it stays.
                    None => (Some(""), inner),
                },
                None => match name_in_front(after) {
                    0 => (None, after),
                    length => {
                        let (name, left) = after.split_at(length);
                        (Some(name), left)
                    }
                },
            };
            match name {
                None | Some("$") => out.push('$'),
                Some(name) => {
                    if name.starts_with("ARGOCD_APP_REVISION") {
                        self.used_revision.set(true);
                    }
                    out.push_str(self.value(name).unwrap_or_default());
                }
            }
            rest = left;
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        let mut variables = self.variables.iter();
        let found = variables.find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

/// How long the variable's name is: one of the shell's signs and digits alone, or a
/// word.
fn name_in_front(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9') => 1,
        _ => text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment<'static> {
        let mut variables = [("", ""); 9];
        variables[0] = ("ARGOCD_APP_NAME", "main");
        variables[1] = ("ARGOCD_APP_REVISION", "0123456789abcdef");
        Environment {
            variables,
            used_revision: Cell::new(false),
        }
    }

    /// As os.Expand of Go 1.26 gives them for the same variables, where `$` stands
    /// for itself.
    #[test]
    fn variables_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("$ARGOCD_APP_NAME", "main"),
            ("a-${ARGOCD_APP_NAME}-b", "a-main-b"),
            ("$ARGOCD_APP_NAMEx", ""),
            ("pa$$word", "pa$word"),
            ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
            ("costs $5", "costs "),
            ("$HOME/x", "/x"),
            ("${HOME}", ""),
            ("${}", ""),
            ("${", ""),
            ("a$", "a$"),
            ("$ x", "$ x"),
            ("${ARGOCD_APP_NAME", "ARGOCD_APP_NAME"),
            ("$-x", "x"),
            ("${$}", "$"),
            ("${a b}", ""),
            ("ä$ARGOCD_APP_NAMEä", "ämainä"),
            ("{$ARGOCD_APP_NAME,x}", "{main,x}"),
            ("$(x)", "$(x)"),
            ("a$.b", "a$.b"),
        ] {
            assert_eq!(environment().substitute(text), expected, "{text}");
        }
    }

    #[test]
    fn a_reference_in_front_of_a_path_is_no_variable() {
        for (path, expected) in [
            ("$values/a/$ARGOCD_APP_NAME.yaml", "$values/a/main.yaml"),
            ("$ARGOCD_APP_NAME/values.yaml", "main/values.yaml"),
            ("values-$ARGOCD_APP_NAME.yaml", "values-main.yaml"),
            ("$values", "$values/"),
            ("$VALUES.yaml", ".yaml"),
        ] {
            assert_eq!(environment().substitute_path(path), expected, "{path}");
        }
    }

    #[test]
    fn who_uses_the_revision_is_known() {
        let environment = environment();
        environment.substitute("$ARGOCD_APP_NAME");
        assert!(!environment.used_revision.get());
        environment.substitute("v-${ARGOCD_APP_REVISION_SHORT}");
        assert!(environment.used_revision.get());
    }
}
