//! github.com/gobwas/glob v0.2.3: its lexer's rules in one descent.

use super::{Class, GlobError, Step, alternatives, append};
use std::iter::Peekable;
use std::str::Chars;

/// How deep `{}` may nest.
const MAX_TERMS: usize = 32;

pub fn compile(pattern: &str, separators: &[char]) -> Result<Vec<Step>, GlobError> {
    let mut parser = Parser {
        rest: pattern.chars().peekable(),
        separators,
    };
    parser
        .sequence(0)
        .map_err(|problem| GlobError::new(pattern, problem))
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    separators: &'a [char],
}

impl Parser<'_> {
    /// Up to the end, or inside of `{}` up to a comma or the closing brace.
    fn sequence(&mut self, terms: usize) -> Result<Vec<Step>, String> {
        let mut program = Vec::new();
        while let Some(c) = self.rest.next_if(|c| terms == 0 || !matches!(c, ',' | '}')) {
            match c {
                '*' if self.rest.next_if_eq(&'*').is_some() => program.push(Step::Many(Class::Any)),
                '*' => program.push(Step::Many(self.no_separator())),
                '?' => program.push(Step::One(self.no_separator())),
                '[' => program.push(Step::One(self.range()?)),
                '{' => append(&mut program, self.terms(terms + 1)?),
                // A backslash at the very end says nothing.
                '\\' => program.extend(self.rest.next().map(|c| Step::One(Class::Is(c)))),
                c => program.push(Step::One(Class::Is(c))),
            }
        }
        Ok(program)
    }

    /// What is behind a `{`; that it is closed is not asked for.
    fn terms(&mut self, terms: usize) -> Result<Vec<Step>, String> {
        if terms > MAX_TERMS {
            return Err(format!(
                "more than {MAX_TERMS} braces inside of one another"
            ));
        }
        let mut programs = vec![self.sequence(terms)?];
        while let Some(',') = self.rest.next() {
            programs.push(self.sequence(terms)?);
        }
        Ok(alternatives(programs))
    }

    /// `[a-z]` is one range and nothing more; everything else is a list.
    fn range(&mut self) -> Result<Class, String> {
        let not = self.rest.next_if_eq(&'!').is_some();
        let end = || "unexpected end of input".to_owned();
        let low = *self.rest.peek().ok_or_else(end)?;
        let mut ahead = self.rest.clone();
        ahead.next();
        if ahead.next() == Some('-') {
            let high = ahead.next().ok_or_else(end)?;
            if ahead.next().ok_or_else(end)? != ']' {
                return Err("expected close range character".to_owned());
            }
            if high < low {
                return Err(format!(
                    "hi character '{high}' should be greater than lo '{low}'"
                ));
            }
            self.rest = ahead;
            let ranges = vec![(low, high)];
            return Ok(Class::Ranges { ranges, not });
        }
        let mut ranges = Vec::new();
        loop {
            match self.rest.next().ok_or_else(end)? {
                ']' => break,
                '\\' => {
                    let escaped = self.rest.next().ok_or_else(end)?;
                    ranges.push((escaped, escaped));
                }
                c => ranges.push((c, c)),
            }
        }
        if ranges.is_empty() {
            return Err("could not parse range".to_owned());
        }
        Ok(Class::Ranges { ranges, not })
    }

    fn no_separator(&self) -> Class {
        if self.separators.is_empty() {
            Class::Any
        } else {
            Class::NoneOf(self.separators.to_vec())
        }
    }
}
