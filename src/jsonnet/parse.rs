//! From tokens to a program.

use super::ast::*;
use super::error::{At, Failure, Result};
use super::heap::Heap;
use super::lex::{Kind, Token, lex, text_of};

/// Expressions within one another.
pub const MAX_NESTING: usize = 200;

/// Links of one chain, such as `a + b + c` or `a.b.c`.
pub const MAX_CHAIN: usize = 500;

struct Parser<'a> {
    heap: &'a Heap,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

pub(super) fn parse<'a>(heap: &'a Heap, text: &str, file: u32) -> Result<Tree<'a>> {
    heap.has_room(text.len().saturating_mul(32))?;
    let mut parser = Parser {
        heap,
        tokens: lex(text, file)?,
        next: 0,
        depth: 0,
    };
    let program = parser.expression()?;
    let last = parser.peek();
    if last.kind != Kind::End {
        return Err(Failure::at(
            format!("Did not expect: {}", shown(last)),
            last.at,
        ));
    }
    Ok(program)
}

/// A token in the words of an error.
fn shown(token: &Token) -> String {
    match token.kind {
        Kind::End => "end of file".to_owned(),
        Kind::Identifier => format!("(IDENTIFIER, {:?})", token.text),
        Kind::Number => format!("(NUMBER, {:?})", token.text),
        Kind::Operator => format!("(OPERATOR, {:?})", token.text),
        Kind::Quoted | Kind::Verbatim | Kind::Block => "a string".to_owned(),
        Kind::Keyword => token.text.clone(),
        Kind::Symbol => format!("{:?}", token.text),
    }
}

const BINARY: &[(&str, Binary, u8)] = &[
    ("*", Binary::Multiply, 5),
    ("/", Binary::Divide, 5),
    ("%", Binary::Modulo, 5),
    ("+", Binary::Add, 6),
    ("-", Binary::Subtract, 6),
    ("<<", Binary::ShiftLeft, 7),
    (">>", Binary::ShiftRight, 7),
    (">", Binary::Greater, 8),
    (">=", Binary::GreaterOrEqual, 8),
    ("<", Binary::Less, 8),
    ("<=", Binary::LessOrEqual, 8),
    ("in", Binary::In, 8),
    ("==", Binary::Equal, 9),
    ("!=", Binary::Unequal, 9),
    ("&", Binary::BitAnd, 10),
    ("^", Binary::BitXor, 11),
    ("|", Binary::BitOr, 12),
    ("&&", Binary::And, 13),
    ("||", Binary::Or, 14),
];
const APPLY: u8 = 2;
const UNARY: u8 = 4;
const LOWEST: u8 = 15;

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn is(&self, text: &str) -> bool {
        let token = self.peek();
        token.text == text && matches!(token.kind, Kind::Symbol | Kind::Operator | Kind::Keyword)
    }

    fn takes(&mut self, text: &str) -> bool {
        let is = self.is(text);
        if is {
            self.take();
        }
        is
    }

    fn expect(&mut self, text: &str) -> Result<Token> {
        if self.is(text) {
            return Ok(self.take());
        }
        let got = self.peek();
        Err(Failure::at(
            format!("Expected token {text:?} but got {}", shown(got)),
            got.at,
        ))
    }

    fn identifier(&mut self) -> Result<(&'a str, At)> {
        let token = self.take();
        if token.kind != Kind::Identifier {
            return Err(Failure::at(
                format!("Expected token IDENTIFIER but got {}", shown(&token)),
                token.at,
            ));
        }
        Ok((self.heap.text(&token.text)?, token.at))
    }

    fn node(&self, at: At, kind: NodeKind<'a>) -> Result<Tree<'a>> {
        self.heap.put(Node { at, kind })
    }

    fn expression(&mut self) -> Result<Tree<'a>> {
        self.within(LOWEST)
    }

    /// An expression that binds at least so tightly.
    fn within(&mut self, loosest: u8) -> Result<Tree<'a>> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(Failure::at(
                format!("expressions are nested more than {MAX_NESTING} deep"),
                self.peek().at,
            ));
        }
        let parsed = self.parse(loosest);
        self.depth -= 1;
        parsed
    }

    fn parse(&mut self, loosest: u8) -> Result<Tree<'a>> {
        let begin = self.peek().clone();
        let at = begin.at;
        if begin.kind == Kind::Keyword {
            match begin.text.as_str() {
                "assert" => {
                    let assertion = self.assertion()?;
                    self.expect(";")?;
                    let rest = self.expression()?;
                    return self.node(at, NodeKind::Assert(assertion, rest));
                }
                "error" => {
                    self.take();
                    let message = self.expression()?;
                    return self.node(at, NodeKind::Error(message));
                }
                "if" => {
                    self.take();
                    let condition = self.expression()?;
                    self.expect("then")?;
                    let yes = self.expression()?;
                    let no = if self.takes("else") {
                        Some(self.expression()?)
                    } else {
                        None
                    };
                    return self.node(at, NodeKind::If(condition, yes, no));
                }
                "function" => {
                    self.take();
                    self.expect("(")?;
                    let parameters = self.parameters()?;
                    let body = self.expression()?;
                    return self.node(at, NodeKind::Function(parameters, body));
                }
                "import" | "importstr" | "importbin" => {
                    self.take();
                    return self.import(&begin);
                }
                "local" => {
                    self.take();
                    let mut binds = Vec::new();
                    loop {
                        self.bind(&mut binds)?;
                        if self.takes(";") {
                            break;
                        }
                        if !self.takes(",") {
                            let got = self.peek();
                            return Err(Failure::at(
                                format!("Expected , or ; but got {}", shown(got)),
                                got.at,
                            ));
                        }
                    }
                    let binds = self.heap.list(&binds)?;
                    let body = self.expression()?;
                    return self.node(at, NodeKind::Local(binds, body));
                }
                _ => {}
            }
        }
        let mut left = if begin.kind == Kind::Operator && begin.text != "$" {
            let operator = match begin.text.as_str() {
                "!" => Unary::Not,
                "~" => Unary::Complement,
                "+" => Unary::Plus,
                "-" => Unary::Minus,
                other => {
                    return Err(Failure::at(format!("Not a unary operator: {other}"), at));
                }
            };
            self.take();
            let operand = self.within(UNARY)?;
            self.node(at, NodeKind::Unary(operator, operand))?
        } else {
            self.terminal()?
        };
        let mut n_links = 0;
        loop {
            n_links += 1;
            if n_links > MAX_CHAIN {
                return Err(Failure::at(
                    format!("more than {MAX_CHAIN} operators in a row; put them into parentheses"),
                    self.peek().at,
                ));
            }
            let token = self.peek();
            let operator = match token.kind {
                Kind::Operator | Kind::Keyword => BINARY.iter().find(|(t, ..)| *t == token.text),
                _ => None,
            };
            if let Some((_, operator, precedence)) = operator {
                if *precedence > loosest {
                    return Ok(left);
                }
                self.take();
                if *operator == Binary::In && self.takes("super") {
                    left = self.node(at, NodeKind::InSuper(left))?;
                    continue;
                }
                let right = self.within(precedence - 1)?;
                left = self.node(at, NodeKind::Binary(*operator, left, right))?;
                continue;
            }
            if token.kind == Kind::Operator
                && token.text != "$"
                && !token.text.starts_with([':', '='])
                && token.text != "+:"
                && token.text != "+::"
                && token.text != "+:::"
            {
                return Err(Failure::at(
                    format!("Not a binary operator: {}", token.text),
                    token.at,
                ));
            }
            if APPLY > loosest || token.kind != Kind::Symbol {
                return Ok(left);
            }
            left = match token.text.as_str() {
                "[" => self.index(at, left)?,
                "." => {
                    self.take();
                    let (name, name_at) = self.identifier()?;
                    let name = self.node(name_at, NodeKind::Text(name))?;
                    self.node(at, NodeKind::Index(left, name))?
                }
                "(" => self.call(at, left)?,
                "{" => {
                    let brace = self.take();
                    let object = self.object(brace.at)?;
                    self.node(at, NodeKind::Binary(Binary::Add, left, object))?
                }
                _ => return Ok(left),
            };
        }
    }

    fn call(&mut self, at: At, target: Tree<'a>) -> Result<Tree<'a>> {
        self.take();
        let mut arguments = Vec::new();
        let mut has_named = false;
        loop {
            if self.takes(")") {
                break;
            }
            if !arguments.is_empty() {
                self.comma("function argument")?;
                if self.takes(")") {
                    break;
                }
            }
            let is_named = self.peek().kind == Kind::Identifier
                && self
                    .tokens
                    .get(self.next + 1)
                    .is_some_and(|token| token.kind == Kind::Operator && token.text == "=");
            let at = self.peek().at;
            let name = if is_named {
                let (name, _) = self.identifier()?;
                self.take();
                Some(name)
            } else {
                None
            };
            if has_named && name.is_none() {
                return Err(Failure::at(
                    "Positional argument after a named argument is not allowed",
                    at,
                ));
            }
            has_named |= name.is_some();
            let value = self.expression()?;
            arguments.push(Argument { name, value });
        }
        let tailstrict = self.takes("tailstrict");
        let arguments = self.heap.list(&arguments)?;
        self.node(
            at,
            NodeKind::Call {
                target,
                arguments,
                tailstrict,
            },
        )
    }

    fn comma(&mut self, before: &str) -> Result<()> {
        if self.takes(",") {
            return Ok(());
        }
        let got = self.peek();
        Err(Failure::at(
            format!("Expected a comma before next {before}, got {}", shown(got)),
            got.at,
        ))
    }

    fn index(&mut self, at: At, target: Tree<'a>) -> Result<Tree<'a>> {
        let bracket = self.take();
        let mut parts: [Option<Tree<'a>>; 3] = [None; 3];
        let mut n_colons = 0;
        loop {
            if self.is("]") {
                break;
            }
            if self.is(":") || self.is("::") {
                n_colons += self.take().text.len();
                if n_colons > 2 {
                    return Err(Failure::at("Invalid slice: too many colons", bracket.at));
                }
                continue;
            }
            if parts[n_colons].is_some() {
                self.expect("]")?;
            }
            parts[n_colons] = Some(self.expression()?);
        }
        self.take();
        match (n_colons, parts[0]) {
            (0, Some(index)) => self.node(at, NodeKind::Index(target, index)),
            (0, None) => Err(Failure::at("ast.Index requires an expression", bracket.at)),
            _ => self.node(at, NodeKind::Slice(target, parts)),
        }
    }

    fn import(&mut self, begin: &Token) -> Result<Tree<'a>> {
        let body = self.peek().clone();
        let import = match begin.text.as_str() {
            "import" => Import::Code,
            "importstr" => Import::Text,
            _ => Import::Bytes,
        };
        let expression = self.expression()?;
        match expression.kind {
            NodeKind::Text(_) if body.kind == Kind::Block => Err(Failure::at(
                "Block string literals not allowed in imports",
                body.at,
            )),
            NodeKind::Text(path) => self.node(begin.at, NodeKind::Import(import, path)),
            _ => Err(Failure::at("Computed imports are not allowed", body.at)),
        }
    }

    fn assertion(&mut self) -> Result<Assertion<'a>> {
        let at = self.expect("assert")?.at;
        let condition = self.expression()?;
        let message = if self.takes(":") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Assertion {
            at,
            condition,
            message,
        })
    }

    fn bind(&mut self, binds: &mut Vec<Bind<'a>>) -> Result<()> {
        let (name, at) = self.identifier()?;
        if binds.iter().any(|bind| bind.name == name) {
            return Err(Failure::at(format!("Duplicate local var: {name}"), at));
        }
        let body = if self.is("(") {
            self.take();
            let parameters = self.parameters()?;
            self.expect("=")?;
            let body = self.expression()?;
            self.node(at, NodeKind::Function(parameters, body))?
        } else {
            self.expect("=")?;
            self.expression()?
        };
        binds.push(Bind { name, body });
        Ok(())
    }

    /// Behind the opening parenthesis.
    fn parameters(&mut self) -> Result<&'a [Parameter<'a>]> {
        let mut parameters: Vec<Parameter<'a>> = Vec::new();
        loop {
            if self.takes(")") {
                break;
            }
            if !parameters.is_empty() {
                self.comma("function parameter")?;
                if self.takes(")") {
                    break;
                }
            }
            let (name, at) = self.identifier()?;
            if parameters.iter().any(|other| other.name == name) {
                return Err(Failure::at(
                    format!("Duplicate function parameter: {name}"),
                    at,
                ));
            }
            let default = if self.takes("=") {
                Some(self.expression()?)
            } else {
                None
            };
            parameters.push(Parameter { name, default });
        }
        self.heap.list(&parameters)
    }

    fn terminal(&mut self) -> Result<Tree<'a>> {
        let token = self.take();
        let at = token.at;
        let kind = match token.kind {
            Kind::Symbol => match token.text.as_str() {
                "{" => return self.object(at),
                "[" => return self.array(at),
                "(" => {
                    let inner = self.expression()?;
                    self.expect(")")?;
                    return Ok(inner);
                }
                other => {
                    return Err(Failure::at(
                        format!("Unexpected: {other:?} while parsing terminal"),
                        at,
                    ));
                }
            },
            Kind::End => return Err(Failure::at("Unexpected end of file", at)),
            Kind::Number => {
                let number: f64 = token.text.parse().unwrap_or(f64::INFINITY);
                if !number.is_finite() {
                    return Err(Failure::at("overflow", at));
                }
                NodeKind::Number(number)
            }
            Kind::Quoted | Kind::Verbatim | Kind::Block => {
                NodeKind::Text(self.heap.text(&text_of(&token)?)?)
            }
            Kind::Identifier => NodeKind::Variable(self.heap.text(&token.text)?),
            Kind::Operator => NodeKind::Dollar,
            Kind::Keyword => match token.text.as_str() {
                "true" => NodeKind::Bool(true),
                "false" => NodeKind::Bool(false),
                "null" => NodeKind::Null,
                "self" => NodeKind::Myself,
                "super" => return self.super_index(at),
                other => {
                    return Err(Failure::at(
                        format!("Unexpected: {other} while parsing terminal"),
                        at,
                    ));
                }
            },
        };
        self.node(at, kind)
    }

    fn super_index(&mut self, at: At) -> Result<Tree<'a>> {
        let next = self.take();
        let index = match next.text.as_str() {
            "." => {
                let (name, name_at) = self.identifier()?;
                self.node(name_at, NodeKind::Text(name))?
            }
            "[" => {
                let index = self.expression()?;
                self.expect("]")?;
                index
            }
            _ => return Err(Failure::at("Expected . or [ after super", next.at)),
        };
        self.node(at, NodeKind::SuperIndex(index))
    }

    /// Behind the opening bracket.
    fn array(&mut self, at: At) -> Result<Tree<'a>> {
        let mut items = Vec::new();
        loop {
            if self.takes("]") {
                break;
            }
            if !items.is_empty() {
                if !self.takes(",") {
                    return Err(Failure::at(
                        "Expected a comma before next array element",
                        self.peek().at,
                    ));
                }
                if self.takes("]") {
                    break;
                }
            }
            items.push(self.expression()?);
            let after_comma = usize::from(self.is(","));
            let is_for = self
                .tokens
                .get(self.next + after_comma)
                .is_some_and(|token| token.kind == Kind::Keyword && token.text == "for");
            if items.len() == 1 && is_for {
                self.next += after_comma;
                let clauses = self.clauses("]")?;
                let body = items[0];
                return self.node(at, NodeKind::ArrayFor { body, clauses });
            }
        }
        let items = self.heap.list(&items)?;
        self.node(at, NodeKind::Array(items))
    }

    /// `for … if …` up to and with the closing bracket.
    fn clauses(&mut self, end: &str) -> Result<&'a [Clause<'a>]> {
        let mut clauses = Vec::new();
        loop {
            if self.takes("for") {
                let (name, _) = self.identifier()?;
                self.expect("in")?;
                clauses.push(Clause::For(name, self.expression()?));
            } else if self.takes("if") {
                clauses.push(Clause::If(self.expression()?));
            } else if self.takes(end) {
                return self.heap.list(&clauses);
            } else {
                let got = self.peek();
                return Err(Failure::at(
                    format!(
                        "Expected for, if or {end:?} after for clause, got: {}",
                        shown(got)
                    ),
                    got.at,
                ));
            }
        }
    }

    /// Behind the opening brace.
    fn object(&mut self, at: At) -> Result<Tree<'a>> {
        let mut binds = Vec::new();
        let mut asserts = Vec::new();
        let mut fields: Vec<Field<'a>> = Vec::new();
        let mut is_first = true;
        let mut all_computed = true;
        let mut names = std::collections::BTreeSet::new();
        loop {
            if self.takes("}") {
                break;
            }
            if self.is("for") {
                return self.object_for(at, &binds, &asserts, &fields, all_computed);
            }
            if !is_first {
                if !self.takes(",") {
                    return Err(Failure::at(
                        "Expected a comma before next field",
                        self.peek().at,
                    ));
                }
                if self.takes("}") {
                    break;
                }
                if self.is("for") {
                    return self.object_for(at, &binds, &asserts, &fields, all_computed);
                }
            }
            is_first = false;
            if self.takes("local") {
                self.bind(&mut binds)?;
            } else if self.is("assert") {
                asserts.push(self.assertion()?);
            } else {
                let (field, fixed) = self.field()?;
                all_computed &= fixed.is_none();
                if let Some((name, name_at)) = fixed
                    && !names.insert(name)
                {
                    return Err(Failure::at(format!("Duplicate field: {name}"), name_at));
                }
                fields.push(field);
            }
        }
        let members = Members {
            binds: self.heap.list(&binds)?,
            asserts: self.heap.list(&asserts)?,
            fields: self.heap.list(&fields)?,
        };
        let members = self.heap.put(members)?;
        self.node(at, NodeKind::Object(members))
    }

    /// A field, and its name where that is written as such.
    #[allow(clippy::type_complexity)] // a pair of a pair, used once
    fn field(&mut self) -> Result<(Field<'a>, Option<(&'a str, At)>)> {
        let token = self.take();
        let mut fixed = None;
        let name = match token.kind {
            Kind::Identifier | Kind::Quoted | Kind::Verbatim | Kind::Block => {
                let text = self.heap.text(&text_of(&token)?)?;
                fixed = Some((text, token.at));
                self.node(token.at, NodeKind::Text(text))?
            }
            Kind::Symbol if token.text == "[" => {
                let name = self.expression()?;
                self.expect("]")?;
                name
            }
            _ => {
                return Err(Failure::at(
                    format!(
                        "Unexpected: {} while parsing field definition",
                        shown(&token)
                    ),
                    token.at,
                ));
            }
        };
        let parameters = if self.takes("(") {
            Some(self.parameters()?)
        } else {
            None
        };
        let mark = self.take();
        let plus = mark.text.starts_with('+');
        let visibility = match mark.text.trim_start_matches('+') {
            ":" => Visibility::Inherited,
            "::" => Visibility::Hidden,
            ":::" => Visibility::Shown,
            _ => {
                return Err(Failure::at(
                    format!("Expected token \":\" but got {}", shown(&mark)),
                    mark.at,
                ));
            }
        };
        if plus && parameters.is_some() {
            return Err(Failure::at(
                "Cannot use +: syntax sugar in a method",
                token.at,
            ));
        }
        let mut value = self.expression()?;
        if let Some(parameters) = parameters {
            value = self.node(token.at, NodeKind::Function(parameters, value))?;
        }
        let field = Field {
            name,
            visibility,
            plus,
            value,
        };
        Ok((field, fixed))
    }

    fn object_for(
        &mut self,
        at: At,
        binds: &[Bind<'a>],
        asserts: &[Assertion<'a>],
        fields: &[Field<'a>],
        all_computed: bool,
    ) -> Result<Tree<'a>> {
        let fault = |message: &str| Err(Failure::at(message, self.peek().at));
        let [field] = fields else {
            return fault("Object comprehension can only have one field");
        };
        if !asserts.is_empty() {
            return fault("Object comprehension cannot have asserts");
        }
        if field.visibility != Visibility::Inherited {
            return fault("Object comprehensions cannot have hidden fields");
        }
        if !all_computed {
            return fault("Object comprehensions can only have [e] fields");
        }
        let binds = self.heap.list(binds)?;
        let clauses = self.clauses("}")?;
        self.node(
            at,
            NodeKind::ObjectFor {
                binds,
                key: field.name,
                value: field.value,
                plus: field.plus,
                clauses,
            },
        )
    }
}
