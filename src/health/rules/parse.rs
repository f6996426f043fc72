//! One line of rules.txt: a small recursive descent.

use super::HealthStatus;

pub struct Rule<'a> {
    pub status: HealthStatus,
    pub expression: Expression<'a>,
    pub message: Option<&'a str>,
}

pub enum Expression<'a> {
    Always,
    /// The generation is not the observed one, where both are there.
    Stale,
    Not(Box<Expression<'a>>),
    And(Vec<Expression<'a>>),
    Or(Vec<Expression<'a>>),
    Any(Path<'a>, Box<Expression<'a>>),
    All(Path<'a>, Box<Expression<'a>>),
    Compare(Operand<'a>, Comparison, Vec<Operand<'a>>),
    Present(Path<'a>),
    Condition(Condition<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
    Begins,
    Ends,
}

pub enum Operand<'a> {
    Path(Path<'a>),
    Length(Path<'a>),
    /// Of a field of all items: the last step names the field.
    Sum(Path<'a>),
    Word(&'a str),
    Difference(Box<Operand<'a>>, Box<Operand<'a>>),
}

pub struct Path<'a> {
    /// Whether it starts at the object's root, also inside of an item.
    pub from_root: bool,
    pub steps: Vec<&'a str>,
    /// The number that stands in for an absent value.
    pub default: Option<i64>,
}

pub struct Condition<'a> {
    /// `*` is any type.
    pub types: Vec<&'a str>,
    pub is_not: bool,
    /// `*` is any status.
    pub status: &'a str,
    pub reason: Option<&'a str>,
}

type Parsed<T> = Result<T, &'static str>;

pub fn parse_rule(line: &str) -> Parsed<Rule<'_>> {
    let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
    let status = HealthStatus::parse(head).ok_or("a line begins with a status")?;
    let (expression, message) = match rest.strip_prefix(": ") {
        Some(message) => ("", Some(message)),
        None => match rest.split_once(" : ") {
            Some((expression, message)) => (expression, Some(message)),
            None => (rest, None),
        },
    };
    let mut parser = Parser { rest: expression };
    let expression = match expression {
        "" => Expression::Always,
        _ => parser.or()?,
    };
    if !parser.rest.trim().is_empty() {
        return Err("something stands behind the expression");
    }
    Ok(Rule {
        status,
        expression,
        // A dash stands for no message at all.
        message: message.map(|text| if text == "-" { "" } else { text }),
    })
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Parsed<Expression<'a>> {
        let mut parts = vec![self.and()?];
        while self.skip("|") {
            parts.push(self.and()?);
        }
        Ok(single_or(parts, Expression::Or))
    }

    fn and(&mut self) -> Parsed<Expression<'a>> {
        let mut parts = vec![self.atom()?];
        while self.skip("&") {
            parts.push(self.atom()?);
        }
        Ok(single_or(parts, Expression::And))
    }

    fn atom(&mut self) -> Parsed<Expression<'a>> {
        if self.skip("!") {
            return Ok(Expression::Not(Box::new(self.atom()?)));
        }
        if self.skip("(") {
            let inner = self.or()?;
            return self.closed(inner);
        }
        if self.skip("@stale") {
            return Ok(Expression::Stale);
        }
        if self.skip("any(") {
            let (path, inner) = self.each()?;
            return self.closed(Expression::Any(path, inner));
        }
        if self.skip("all(") {
            let (path, inner) = self.each()?;
            return self.closed(Expression::All(path, inner));
        }
        if self.rest.trim_start().starts_with(['.', '$', '#']) {
            return self.comparison();
        }
        self.condition().map(Expression::Condition)
    }

    fn each(&mut self) -> Parsed<(Path<'a>, Box<Expression<'a>>)> {
        let path = self.path()?;
        if !self.skip(":") {
            return Err("a colon is missing behind the list");
        }
        Ok((path, Box::new(self.or()?)))
    }

    fn closed(&mut self, inner: Expression<'a>) -> Parsed<Expression<'a>> {
        if self.skip(")") {
            Ok(inner)
        } else {
            Err("a parenthesis is not closed")
        }
    }

    fn comparison(&mut self) -> Parsed<Expression<'a>> {
        let left = self.operand()?;
        const COMPARISONS: [(&str, Comparison); 8] = [
            ("!=", Comparison::IsNot),
            ("^=", Comparison::Begins),
            ("$=", Comparison::Ends),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("=", Comparison::Is),
            ("<", Comparison::Below),
            (">", Comparison::Above),
        ];
        for (sign, comparison) in COMPARISONS {
            if self.skip(sign) {
                let mut right = vec![self.operand()?];
                while self.skip(",") {
                    right.push(self.operand()?);
                }
                return Ok(Expression::Compare(left, comparison, right));
            }
        }
        match left {
            Operand::Path(path) => Ok(Expression::Present(path)),
            Operand::Length(_) | Operand::Sum(_) | Operand::Word(_) | Operand::Difference(..) => {
                Err("a comparison is missing")
            }
        }
    }

    fn operand(&mut self) -> Parsed<Operand<'a>> {
        let left = self.term()?;
        if self.rest.starts_with(" - ") {
            self.skip("-");
            let right = self.term()?;
            return Ok(Operand::Difference(Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn term(&mut self) -> Parsed<Operand<'a>> {
        if self.skip("#") {
            return self.path().map(Operand::Length);
        }
        if self.skip("sum(") {
            let path = self.path()?;
            return match self.skip(")") {
                true => Ok(Operand::Sum(path)),
                false => Err("a parenthesis is not closed"),
            };
        }
        if self.rest.trim_start().starts_with(['.', '$']) {
            return self.path().map(Operand::Path);
        }
        self.word().map(Operand::Word)
    }

    fn path(&mut self) -> Parsed<Path<'a>> {
        let from_root = self.skip("$");
        let mut steps = Vec::new();
        while let Some(rest) = self.rest.trim_start().strip_prefix('.') {
            self.rest = rest;
            steps.push(self.word()?);
        }
        let default = if self.rest.starts_with('?') {
            self.skip("?");
            Some(self.word()?.parse().map_err(|_| "a default is a number")?)
        } else {
            None
        };
        if steps.is_empty() {
            return Err("a path begins with a dot");
        }
        Ok(Path {
            from_root,
            steps,
            default,
        })
    }

    fn condition(&mut self) -> Parsed<Condition<'a>> {
        let mut types = vec![self.condition_word()?];
        while self.skip(",") {
            types.push(self.condition_word()?);
        }
        let is_not = self.skip("!=");
        let status = if is_not || self.skip("=") {
            self.condition_word()?
        } else {
            "*"
        };
        let reason = match self.skip("/") {
            true => Some(self.condition_word()?),
            false => None,
        };
        Ok(Condition {
            types,
            is_not,
            status,
            reason,
        })
    }

    /// Also `*`, and with dots in it.
    fn condition_word(&mut self) -> Parsed<&'a str> {
        self.take(|c| c.is_alphanumeric() || matches!(c, '*' | '.' | '-' | '_'))
    }

    fn word(&mut self) -> Parsed<&'a str> {
        self.take(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> Parsed<&'a str> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (word, behind) = quoted.split_once('"').ok_or("a quote is not closed")?;
            self.rest = behind;
            return Ok(word);
        }
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err("a word is missing");
        }
        self.rest = &rest[end..];
        Ok(&rest[..end])
    }

    fn skip(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

fn single_or<'a>(
    mut parts: Vec<Expression<'a>>,
    several: impl Fn(Vec<Expression<'a>>) -> Expression<'a>,
) -> Expression<'a> {
    match parts.len() {
        1 => parts.remove(0),
        _ => several(parts),
    }
}
