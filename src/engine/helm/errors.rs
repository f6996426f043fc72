//! Errors of templates in the form in which Helm prints them: one location
//! after another, the cause last.

use crate::gotmpl::Error;

/// The texts around what `required` and `fail` say.
const WARN_START: &str = "HELM_ERR_START";
const WARN_END: &str = "HELM_ERR_END";

/// An error while a template was parsed.
pub fn parse_error(name: &str, error: &Error) -> String {
    let text = error.to_string();
    let mut tokens = text.split(": ");
    let (_, location) = (tokens.next(), tokens.next());
    match location {
        None => format!("parse error in ({name}): {text}"),
        Some(location) => {
            let cause = tokens.last().unwrap_or(location);
            format!("parse error at ({location}): {cause}")
        }
    }
}

/// An error while a template was rendered.
pub fn exec_error(name: &str, error: &Error) -> String {
    let text = error.to_string();
    if !error.is_exec() {
        return text;
    }
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next())
    else {
        return format!("execution error in ({name}): {text}");
    };
    if let Some(warning) = warning(rest) {
        return format!("execution error at ({location}): {warning}");
    }
    let mut steps: Vec<Step> = Vec::new();
    for layer in error.chain() {
        let Some(step) = Step::parse(&layer) else {
            return text;
        };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    let lines: String = steps.iter().map(Step::to_text).collect();
    lines.trim().to_owned()
}

/// Where `required` or `fail` stand that ended a render, if that is another
/// place than the one that Helm names: deeper in the includes.
pub fn refusal_place(error: &Error) -> Option<String> {
    warning(&error.to_string())?;
    let mut places = error
        .chain()
        .filter_map(|layer| Some(Step::parse(&layer)?.location));
    let outermost = places.next()?;
    places.last().filter(|innermost| *innermost != outermost)
}

/// What stands between the first start and the last end.
fn warning(text: &str) -> Option<&str> {
    let start = text.find(WARN_START)? + WARN_START.len();
    let end = start + text[start..].rfind(WARN_END)?;
    Some(&text[start..end])
}

/// One location of an error, as Helm takes it out of text/template's texts.
#[derive(PartialEq)]
struct Step {
    location: String,
    executed: String,
    message: String,
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Step {
                location: String::new(),
                executed: String::new(),
                message: text.to_owned(),
            });
        }
        Step::executing(rest).or_else(|| Step::simple(rest))
    }

    /// `name:3:5: executing "name" at <.x>: message`
    fn executing(rest: &str) -> Option<Self> {
        let (location, behind) = rest.split_once(": executing ")?;
        let (function, behind) = behind.strip_prefix('"')?.split_once('"')?;
        let (at, message) = behind.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Step {
            location: location.to_owned(),
            executed: format!("executing \"{function}\" at <{at}>:"),
            message: without_next(message).to_owned(),
        })
    }

    /// `name:3:5: message`
    fn simple(rest: &str) -> Option<Self> {
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Step {
            location: location.to_owned(),
            executed: String::new(),
            message: without_next(message).to_owned(),
        })
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for (part, end) in [
            (&self.location, "\n  "),
            (&self.executed, "\n    "),
            (&self.message, "\n"),
        ] {
            if !part.is_empty() {
                text.push_str(part);
                text.push_str(end);
            }
        }
        text
    }
}

/// The message without the error that it wraps.
fn without_next(message: &str) -> &str {
    message
        .find(" template:")
        .map_or(message, |at| &message[..at])
}
