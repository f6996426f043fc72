//! Where in a text a node stands, for errors that are found after the text
//! was read: the text is read once more, up to there.

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use std::fmt;

/// A step on the way to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(at: usize) -> Self {
        Step::Item(at)
    }
}

/// `path` and the steps behind it: `spec.items[1].count`.
pub fn dotted(steps: &[Step], mut path: String) -> String {
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Item(at) => path.push_str(&format!("[{at}]")),
        }
    }
    path
}

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Position {
    fn of(span: &Span) -> Self {
        Position {
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }
}

/// How far steps lead in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Of the last node that was found: of a field its key, of an item or the
    /// whole its beginning.
    pub position: Position,
    /// How many steps led there.
    pub n_steps: usize,
    /// The line in which the text of a scalar begins, where it stands there
    /// line by line: of `|` the one behind that.
    pub text_line: Option<usize>,
}

/// Follows steps from the root of the first document. Keys are compared
/// without regard to the case of their letters, as Go's decoders do. An alias
/// is not followed. `None` where there is no document, or none that can be
/// read up to there.
pub fn locate(text: &str, steps: &[Step]) -> Option<Located> {
    let mut events = Events(Parser::new_from_str(text));
    let (mut event, mut span) = loop {
        match events.next()? {
            (Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => return None,
            root => break root,
        }
    };
    let mut found = Located {
        position: Position::of(&span),
        n_steps: 0,
        text_line: text_line(&event, &span),
    };
    for step in steps {
        let next = match (step, &event) {
            (Step::Key(key), Event::MappingStart(..)) => events.value_of(key),
            (Step::Item(at), Event::SequenceStart(..)) => events.item(*at),
            _ => None,
        };
        let Some((position, node)) = next else {
            break;
        };
        (event, span) = node;
        found = Located {
            position,
            n_steps: found.n_steps + 1,
            text_line: text_line(&event, &span),
        };
    }
    Some(found)
}

fn text_line(event: &Event<'_>, span: &Span) -> Option<usize> {
    match event {
        // Its span begins at the first line that is not blank.
        Event::Scalar(text, ScalarStyle::Literal, ..) => {
            let n_blank = text.len() - text.trim_start_matches('\n').len();
            span.start.line().checked_sub(n_blank)
        }
        Event::Scalar(..) if span.start.line() == span.end.line() => Some(span.start.line()),
        _ => None,
    }
}

type Next<'a> = (Event<'a>, Span);

struct Events<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Option<Next<'a>> {
        self.0.next_event()?.ok()
    }

    /// The value of a key of the mapping that was begun, and where the key is.
    fn value_of(&mut self, wanted: &str) -> Option<(Position, Next<'a>)> {
        loop {
            let (event, span) = self.next()?;
            match &event {
                Event::MappingEnd => return None,
                Event::Scalar(key, ..) if key.eq_ignore_ascii_case(wanted) => {
                    return Some((Position::of(&span), self.next()?));
                }
                _ => {}
            }
            self.pass(&event)?;
            let (event, _) = self.next()?;
            self.pass(&event)?;
        }
    }

    fn item(&mut self, at: usize) -> Option<(Position, Next<'a>)> {
        for _ in 0..at {
            let (event, _) = self.next()?;
            self.pass(&event)?;
        }
        let (event, span) = self.next()?;
        match event {
            Event::SequenceEnd => None,
            _ => Some((Position::of(&span), (event, span))),
        }
    }

    /// Passes over the rest of a node that begins with an event; `None` where
    /// it is the end of what holds it.
    fn pass(&mut self, begun: &Event<'_>) -> Option<()> {
        let mut depth = change(begun);
        if depth < 0 {
            return None;
        }
        while depth > 0 {
            depth += change(&self.next()?.0);
        }
        Some(())
    }
}

/// By how much an event changes the depth.
fn change(event: &Event<'_>) -> isize {
    match event {
        Event::MappingStart(..) | Event::SequenceStart(..) => 1,
        Event::MappingEnd | Event::SequenceEnd => -1,
        _ => 0,
    }
}
