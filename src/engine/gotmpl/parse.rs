//! The parser, after Go's text/template/parse: the same three tokens of
//! look-ahead, since the line of an error is the line of the first of them.

use std::rc::Rc;

use memchr::memchr;
use smallvec::SmallVec;

use super::ast::{
    Branch, Command, Function, Invocation, Node, Operand, Pipe, Pos, Source, Tree, VarId, Variable,
};
use super::constant::{self, NumberKind};
use super::lex::{Item, Lexer, Token};
use super::stack::StackGuard;
use super::strconv::{quote, unquote};
use super::{Error, GoStr, HashMap};

/// Go's limit of nested parentheses, and ours of nested blocks. The stack may
/// end before.
const MAX_DEPTH: usize = 10_000;

/// What identifiers stand for; none is an error.
pub(super) trait Functions {
    fn find(&self, name: &str) -> Option<Function>;
}

/// Parses a text: the template itself and those that it defines, of which the
/// first is the one that was defined first.
pub(super) fn parse(
    name: &GoStr,
    text: Rc<[u8]>,
    functions: &dyn Functions,
    stack: StackGuard,
) -> Result<Vec<Rc<Tree>>, Error> {
    // Positions are 32 bits wide; no chart comes near.
    if text.len() > Pos::MAX as usize {
        return Err(Error::new(format!(
            "template: {name}: the text is larger than 4 GiB"
        )));
    }
    let source = Rc::new(Source {
        name: name.clone(),
        text,
    });
    let mut parser = Parser {
        source: &source,
        lexer: Lexer::new(&source.text),
        functions,
        stack,
        trees: Vec::new(),
        names: HashMap::default(),
        variables: HashMap::from_iter([(&b"$"[..], 0)]),
        state: State::new(),
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
    };
    parser.template(name)?;
    Ok(parser.trees)
}

/// What Go keeps for each tree: definitions inside a file start afresh.
struct State {
    tokens: [Item; 3],
    peek_count: usize,
    /// The variables that are defined at the moment.
    vars: Vec<VarId>,
    action_line: u32,
    range_depth: usize,
    depth: usize,
}

impl State {
    fn new() -> Self {
        State {
            tokens: [Item::none(), Item::none(), Item::none()],
            peek_count: 0,
            vars: vec![0],
            action_line: 0,
            range_depth: 0,
            depth: 0,
        }
    }
}

/// A node, or what ends a list of them.
enum Parsed {
    Node(Node),
    End,
    Else,
}

struct Parser<'s> {
    source: &'s Rc<Source>,
    lexer: Lexer<'s>,
    functions: &'s dyn Functions,
    stack: StackGuard,
    trees: Vec<Rc<Tree>>,
    names: HashMap<&'s [u8], GoStr>,
    /// The variables by their names.
    variables: HashMap<&'s [u8], VarId>,
    state: State,
    /// What is collected at the moment, the innermost lists last: each is cut
    /// off when it is complete, in one piece of the right size.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
}

impl<'s> Parser<'s> {
    fn next(&mut self) -> Item {
        if self.state.peek_count > 0 {
            self.state.peek_count -= 1;
        } else {
            self.state.tokens[0] = self.lexer.next_item();
        }
        self.state.tokens[self.state.peek_count]
    }

    fn backup(&mut self) {
        self.state.peek_count += 1;
    }

    /// Backs up over `first` and the token that is there already.
    fn backup2(&mut self, first: Item) {
        self.state.tokens[1] = first;
        self.state.peek_count = 2;
    }

    fn backup3(&mut self, first: Item, second: Item) {
        self.state.tokens[1] = second;
        self.state.tokens[2] = first;
        self.state.peek_count = 3;
    }

    fn peek(&mut self) -> Item {
        if self.state.peek_count == 0 {
            self.state.peek_count = 1;
            self.state.tokens[0] = self.lexer.next_item();
        }
        self.state.tokens[self.state.peek_count - 1]
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.backup();
        item
    }

    fn error(&self, message: impl AsRef<str>) -> Error {
        Error::new(format!(
            "template: {}:{}: {}",
            self.source.name,
            self.state.tokens[0].line,
            message.as_ref()
        ))
    }

    fn unexpected(&self, item: &Item, context: &str) -> Error {
        let text = self.lexer.describe(item, &self.source.text);
        if item.token == Token::Error {
            let started = self.state.action_line;
            if started == 0 || started == item.line {
                return self.error(text);
            }
            let place = format!("{}:{started}", self.source.name);
            return self.error(if text.ends_with(" action") {
                format!("{text} started at {place}")
            } else {
                format!("{text} in action started at {place}")
            });
        }
        self.error(format!("unexpected {text} in {context}"))
    }

    fn expect(&mut self, token: Token, context: &str) -> Result<Item, Error> {
        let item = self.next_non_space();
        if item.token != token {
            return Err(self.unexpected(&item, context));
        }
        Ok(item)
    }

    fn text(&self, item: &Item) -> &'s [u8] {
        item.text(&self.source.text)
    }

    /// One shared string per name of the source.
    fn name(&mut self, name: &'s [u8]) -> GoStr {
        self.names
            .entry(name)
            .or_insert_with(|| GoStr::from_bytes(name))
            .clone()
    }

    fn variable(&mut self, name: &'s [u8]) -> Variable {
        let next = self.variables.len() as VarId;
        Variable {
            id: *self.variables.entry(name).or_insert(next),
            name: self.name(name),
        }
    }

    /// Counts a nesting, and ends it in time for the stack.
    fn enter(&mut self) -> Result<(), Error> {
        self.state.depth += 1;
        if self.state.depth > MAX_DEPTH || self.stack.is_exhausted() {
            return Err(self.error("max expression depth exceeded"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.state.depth -= 1;
    }

    /// The whole text: the template and the definitions on its top level.
    fn template(&mut self, name: &GoStr) -> Result<(), Error> {
        while self.peek().token != Token::Eof {
            if self.peek().token == Token::LeftDelim {
                let delim = self.next();
                if self.next_non_space().token == Token::Define {
                    self.definition()?;
                    continue;
                }
                self.backup2(delim);
            }
            match self.text_or_action()? {
                Parsed::Node(node) => self.nodes.push(node),
                Parsed::End => return Err(self.error("unexpected {{end}}")),
                Parsed::Else => return Err(self.error("unexpected {{else}}")),
            }
        }
        let root = self.nodes.split_off(0);
        self.add(name.clone(), root)
    }

    fn add(&mut self, name: GoStr, root: Vec<Node>) -> Result<(), Error> {
        let tree = Rc::new(Tree {
            name,
            source: Rc::clone(self.source),
            root,
        });
        match self.trees.iter_mut().find(|known| known.name == tree.name) {
            Some(known) if known.is_empty() => *known = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                let name = quote(tree.name.as_bytes());
                return Err(self.error(format!("template: multiple definition of template {name}")));
            }
            None => self.trees.push(tree),
        }
        Ok(())
    }

    /// A `define`, the keyword is past.
    fn definition(&mut self) -> Result<(), Error> {
        const CONTEXT: &str = "define clause";
        let depth = self.state.depth;
        let outer = std::mem::replace(&mut self.state, State::new());
        self.state.depth = depth;
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        self.body(name, CONTEXT)?;
        self.state = outer;
        Ok(())
    }

    /// The list of a `define` or `block`, up to its end.
    fn body(&mut self, name: GoStr, context: &str) -> Result<(), Error> {
        let (root, end) = self.list()?;
        if !matches!(end, Parsed::End) {
            return Err(self.error(format!("unexpected {{{{else}}}} in {context}")));
        }
        self.add(name, root)
    }

    fn list(&mut self) -> Result<(Vec<Node>, Parsed), Error> {
        let first = self.nodes.len();
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Parsed::Node(node) => self.nodes.push(node),
                end @ (Parsed::End | Parsed::Else) => {
                    return Ok((self.nodes.split_off(first), end));
                }
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Parsed, Error> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(Parsed::Node(Node::Text {
                start: item.start,
                end: item.end,
            })),
            Token::LeftDelim => {
                self.state.action_line = item.line;
                let parsed = self.action()?;
                self.state.action_line = 0;
                Ok(parsed)
            }
            _ => Err(self.unexpected(&item, "input")),
        }
    }

    /// What follows a left delimiter: a keyword or a pipeline.
    fn action(&mut self) -> Result<Parsed, Error> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break => self.loop_control("{{break}}", Node::Break)?,
            Token::Continue => self.loop_control("{{continue}}", Node::Continue)?,
            Token::Else => {
                let next = self.peek_non_space();
                // `else if` and `else with` are left to the control structure.
                if !matches!(next.token, Token::If | Token::With) {
                    self.expect(Token::RightDelim, "else")?;
                }
                return Ok(Parsed::Else);
            }
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Parsed::End);
            }
            Token::If => Node::If(self.control(Control::If)?),
            Token::Range => Node::Range(self.control(Control::Range)?),
            Token::With => Node::With(self.control(Control::With)?),
            Token::Template => self.invocation()?,
            _ => {
                self.backup();
                // Variables stay defined until the surrounding "end".
                Node::Action(self.pipeline("command", Token::RightDelim)?)
            }
        };
        Ok(Parsed::Node(node))
    }

    fn loop_control(&mut self, text: &str, node: Node) -> Result<Node, Error> {
        let item = self.next_non_space();
        if item.token != Token::RightDelim {
            return Err(self.unexpected(&item, text));
        }
        if self.state.range_depth == 0 {
            return Err(self.error(format!("{text} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    fn control(&mut self, control: Control) -> Result<Box<Branch>, Error> {
        self.enter()?;
        let n_vars = self.state.vars.len();
        let pipe = self.pipeline(control.context(), Token::RightDelim)?;
        let in_range = usize::from(control == Control::Range);
        self.state.range_depth += in_range;
        let (list, end) = self.list()?;
        self.state.range_depth -= in_range;
        let else_list = match end {
            Parsed::Else => Some(self.else_list(control)?),
            Parsed::End | Parsed::Node(_) => None,
        };
        self.state.vars.truncate(n_vars);
        self.leave();
        Ok(Box::new(Branch {
            pipe,
            list,
            else_list,
        }))
    }

    fn else_list(&mut self, control: Control) -> Result<Vec<Node>, Error> {
        // The "end" of `{{else if}}` ends both.
        let next = self.peek().token;
        if control == Control::If && next == Token::If {
            self.next();
            return Ok(vec![Node::If(self.control(Control::If)?)]);
        }
        if control == Control::With && next == Token::With {
            self.next();
            return Ok(vec![Node::With(self.control(Control::With)?)]);
        }
        let (list, end) = self.list()?;
        match end {
            Parsed::End => Ok(list),
            Parsed::Else | Parsed::Node(_) => Err(self.error("expected end; found {{else}}")),
        }
    }

    /// `{{block "name" pipe}} .. {{end}}` defines and invokes.
    fn block(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "block clause";
        self.enter()?;
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        let depth = self.state.depth;
        let outer = std::mem::replace(&mut self.state, State::new());
        self.state.depth = depth;
        self.body(name.clone(), CONTEXT)?;
        self.state = outer;
        self.leave();
        Ok(Node::Template(Box::new(Invocation {
            pos: item.start,
            name,
            pipe: Some(pipe),
        })))
    }

    fn invocation(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().token != Token::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT, Token::RightDelim)?);
        }
        Ok(Node::Template(Box::new(Invocation {
            pos: item.start,
            name,
            pipe,
        })))
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Result<GoStr, Error> {
        match item.token {
            Token::String | Token::RawString => self.string(item),
            _ => Err(self.unexpected(item, context)),
        }
    }

    fn string(&mut self, item: &Item) -> Result<GoStr, Error> {
        let literal = self.text(item);
        if let [b'"', inner @ .., b'"'] = literal
            && inner.is_ascii()
            && memchr(b'\\', inner).is_none()
        {
            // The lexer ended it at the quote, and a line feed is an error to it.
            return Ok(self.name(inner));
        }
        let text = unquote(literal).map_err(|error| self.error(error.to_string()))?;
        Ok(text.into())
    }

    fn pipeline(&mut self, context: &str, end: Token) -> Result<Pipe, Error> {
        let mut pipe = Pipe {
            pos: self.peek_non_space().start,
            assign: false,
            decl: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        let first = self.commands.len();
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => {
                    pipe.commands = self.commands.split_off(first);
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return Err(self.unexpected(&item, context)),
            }
        }
    }

    /// `$x :=`, `$x =`, or in a range `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), Error> {
        loop {
            let item = self.peek_non_space();
            if item.token != Token::Variable {
                return Ok(());
            }
            self.next();
            // Space is a token: it takes three of them to know whether this is
            // a declaration.
            let after = self.peek();
            let next = self.peek_non_space();
            let comma = next.token == Token::Char && self.text(&next) == b",";
            let declares = matches!(next.token, Token::Assign | Token::Declare);
            if !comma && !declares {
                if after.token == Token::Space {
                    self.backup3(item, after);
                } else {
                    self.backup2(item);
                }
                return Ok(());
            }
            self.next_non_space();
            let variable = self.variable(self.text(&item));
            self.state.vars.push(variable.id);
            pipe.decl.push(variable);
            if declares {
                pipe.assign = next.token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.decl.len() >= 2 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            let next = self.peek_non_space().token;
            if !matches!(
                next,
                Token::Variable | Token::RightDelim | Token::RightParen
            ) {
                return Err(self.error("range can only initialize variables"));
            }
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            if let Some(
                Operand::Bool(..)
                | Operand::Dot(_)
                | Operand::Nil(_)
                | Operand::Number(..)
                | Operand::Str { .. },
            ) = command.args.first()
            {
                return Err(self.error(format!(
                    "non executable command in pipeline stage {}",
                    at + 1
                )));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Error> {
        let pos = self.peek_non_space().start;
        let first = self.operands.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.operands.push(operand);
            }
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.backup(),
                Token::Pipe => {}
                _ => return Err(self.unexpected(&item, "operand")),
            }
            break;
        }
        if self.operands.len() == first {
            return Err(self.error("empty command"));
        }
        let args = self.operands.split_off(first);
        Ok(Command { pos, args })
    }

    /// A term and the fields behind it.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        if self.peek().token != Token::Field {
            return Ok(Some(term));
        }
        let pos = self.peek().start;
        let mut fields = SmallVec::<[GoStr; 8]>::new();
        while self.peek().token == Token::Field {
            let item = self.next();
            let name = self.text(&item).get(1..).unwrap_or_default();
            fields.push(self.name(name));
        }
        Ok(Some(match term {
            Operand::Field(_, first) => Operand::Field(pos, joined(first, fields)),
            Operand::Variable(_, variable) => {
                let (variable, first) = *variable;
                Operand::Variable(pos, Box::new((variable, joined(first, fields))))
            }
            Operand::Bool(..)
            | Operand::Str { .. }
            | Operand::Number(..)
            | Operand::Nil(_)
            | Operand::Dot(_) => {
                let mut text = String::new();
                term.write(&self.source.text, &mut text);
                let text = quote(text.as_bytes());
                return Err(self.error(format!("unexpected . after term {text}")));
            }
            term @ (Operand::Function(..) | Operand::Pipe(_) | Operand::Chain(..)) => {
                Operand::Chain(pos, Box::new((term, fields.into_vec())))
            }
        }))
    }

    /// A literal, a name, a variable, or a pipeline in parentheses.
    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let item = self.next_non_space();
        let pos = item.start;
        let text = self.text(&item);
        Ok(Some(match item.token {
            Token::Identifier => {
                let function = std::str::from_utf8(text)
                    .ok()
                    .and_then(|name| self.functions.find(name));
                let Some(function) = function else {
                    return Err(self.error(format!("function {} not defined", quote(text))));
                };
                Operand::Function(pos, function)
            }
            Token::Dot => Operand::Dot(pos),
            Token::Nil => Operand::Nil(pos),
            Token::Variable => {
                let variable = self.variable(text);
                if !self.state.vars.contains(&variable.id) {
                    return Err(self.error(format!("undefined variable {}", quote(text))));
                }
                Operand::Variable(pos, Box::new((variable, Box::new([]))))
            }
            Token::Field => {
                let name = self.name(text.get(1..).unwrap_or_default());
                Operand::Field(pos, Box::new([name]))
            }
            Token::Bool => Operand::Bool(pos, text == b"true"),
            Token::Number | Token::Complex | Token::CharConstant => {
                let kind = match item.token {
                    Token::CharConstant => NumberKind::Character,
                    Token::Complex => NumberKind::Complex,
                    _ => NumberKind::Plain,
                };
                let number = constant::number(text, kind).map_err(|e| self.error(e))?;
                Operand::Number(pos, Box::new(number))
            }
            Token::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Token::RightParen)?;
                self.leave();
                Operand::Pipe(Box::new(pipe))
            }
            Token::String | Token::RawString => Operand::Str {
                pos,
                end: item.end,
                value: self.string(&item)?,
            },
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    Range,
    With,
}

impl Control {
    fn context(self) -> &'static str {
        match self {
            Control::If => "if",
            Control::Range => "range",
            Control::With => "with",
        }
    }
}

/// The names of a path whose first part is known already.
fn joined(first: Box<[GoStr]>, more: SmallVec<[GoStr; 8]>) -> Box<[GoStr]> {
    let mut names = Vec::with_capacity(first.len() + more.len());
    names.extend(first);
    names.extend(more);
    names.into_boxed_slice()
}
