//! The texts that a build reads, for saying where in them something stands.

use crate::value::yaml::{Step, YamlError, dotted, locate};
use std::fmt;
use std::rc::Rc;

/// The text of a file, or a part of one. Where that part begins is looked for
/// when an error asks for it.
#[derive(Clone, Debug)]
pub struct Text {
    path: Rc<str>,
    text: Rc<str>,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    File,
    /// A scalar of another text, less some lines in front.
    Part {
        of: Rc<Text>,
        steps: Rc<[Step]>,
        n_cut: usize,
    },
    /// Somewhere in the file.
    Somewhere,
}

impl Text {
    pub fn new(path: &str, text: impl Into<Rc<str>>) -> Self {
        Text {
            path: path.into(),
            text: text.into(),
            origin: Origin::File,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path of the file, for messages.
    pub fn path(&self) -> &Rc<str> {
        &self.path
    }

    /// A text that stands in this one as a scalar; white space around it does
    /// not count.
    pub fn part(&self, steps: &[Step], text: &str) -> Text {
        let head = &text[..text.len() - text.trim_start().len()];
        Text {
            path: self.path.clone(),
            text: text.trim().into(),
            origin: Origin::Part {
                of: Rc::new(self.clone()),
                steps: steps.into(),
                n_cut: head.matches('\n').count(),
            },
        }
    }

    /// A text that stands somewhere in a resource.
    pub fn within(place: Option<&Place>, text: &str) -> Text {
        Text {
            path: place.map_or_else(|| "".into(), |place| place.text.path.clone()),
            text: text.trim().into(),
            origin: Origin::Somewhere,
        }
    }

    pub fn at(&self, steps: &[Step]) -> Spot {
        Spot {
            text: self.clone(),
            steps: steps.to_vec(),
        }
    }

    /// The line of the file in which a line of the text stands; `None` where
    /// it does not stand there line by line.
    fn line(&self, line: usize) -> Option<usize> {
        match &self.origin {
            Origin::File => Some(line),
            Origin::Part { of, steps, n_cut } => {
                let found = locate(&of.text, steps)?;
                let first = found.text_line.filter(|_| found.n_steps == steps.len())?;
                Some(of.line(first)? + n_cut + line - 1)
            }
            Origin::Somewhere => None,
        }
    }

    /// An error in the text, of which a document begins in a line.
    pub fn wrong(&self, error: &YamlError, document_line: usize) -> String {
        let place = self.place(document_line + error.line - 1, error.column);
        format!("{place}: {}", error.problem)
    }

    fn place(&self, line: usize, column: usize) -> String {
        match (self.line(line), &self.origin) {
            (Some(line), Origin::File) => format!("{}:{line}:{column}", self.path),
            (Some(line), Origin::Part { .. } | Origin::Somewhere) => {
                format!("{}:{line}", self.path)
            }
            (None, _) => self.path.to_string(),
        }
    }
}

/// A place in a text. Printed it is `path:line:column` of the last step that
/// leads somewhere, or the path and the steps where not even the entry of a
/// list is there (what an Application adds is in no file).
#[derive(Clone, Debug)]
pub struct Spot {
    text: Text,
    steps: Vec<Step>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = locate(&self.text.text, &self.steps);
        if let Some(found) = found.filter(|found| found.n_steps >= self.steps.len().min(2)) {
            let at = found.position;
            return f.write_str(&self.text.place(at.line, at.column));
        }
        write!(f, "{}: ", self.text.path)?;
        f.write_str(&dotted(&self.steps, String::new()))
    }
}

/// Where a resource was read.
#[derive(Clone, Debug)]
pub struct Place {
    text: Text,
    line: usize,
}

impl Place {
    pub fn new(text: &Text, line: usize) -> Self {
        Place {
            text: text.clone(),
            line,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.line(self.line) {
            Some(line) => write!(f, "{}:{line}", self.text.path),
            None => f.write_str(&self.text.path),
        }
    }
}
