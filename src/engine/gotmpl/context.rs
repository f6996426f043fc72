use memchr::memmem;
use std::rc::Rc;

use super::ast::Tree;
use super::funcs::Regexp;
use super::map::WeakMap;
use super::stack::StackGuard;
use super::strconv::quote;
use super::{Draw, Error, FuncTable, GoStr, HashMap, Map, TemplateSet, Val, builtins, exec, parse};

/// What functions need from outside. The room itself has no clock, no
/// randomness and no cluster.
pub trait Host {
    /// The time that `now` gives, in the zone that `date` prints in.
    fn now(&self) -> jiff::Zoned;

    /// Fills the buffer with random bytes.
    fn random(&self, buffer: &mut [u8]);

    /// Asked now and then while templates work: an error ends the render.
    fn step(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The time at which new certificates begin.
    fn signing_time(&self) -> jiff::Zoned {
        self.now()
    }

    /// A function whose result is chance is called: the host may remember
    /// what `make` gave for an equal draw.
    fn draw(
        &self,
        _draw: &Draw<'_>,
        make: &mut dyn FnMut() -> Result<Val, Error>,
    ) -> Result<Val, Error> {
        make()
    }

    /// Helm's `lookup`: the object, a List where `name` is empty, an empty map
    /// where there is none or where lookups are off.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Val, Error>;
}

/// What one render may cost, over all its templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Evaluated nodes and calls.
    pub steps: u64,
    /// Bytes that functions and templates produce, intermediate results included.
    pub bytes: u64,
    /// Stack that the evaluator may use, in bytes; the caller's thread must have
    /// it. With `Limits::HELM_STACK` a loop of includes goes the 1,000 rounds
    /// that Helm allows; with less it ends earlier, with the same text.
    pub stack: usize,
}

impl Limits {
    /// A thousand times what kube-prometheus-stack needs: some seconds of a Pi,
    /// for which other applications wait.
    pub const STEPS: u64 = 30_000_000;
    /// Eighty times what it makes.
    pub const BYTES: u64 = 64 << 20;
    /// Fits a thread of 2 MiB, Rust's default.
    pub const STACK: usize = 1_200 << 10;
    /// What 1,000 includes within each other need, in an optimized build.
    pub const HELM_STACK: usize = 14 << 20;
}

impl Limits {
    /// For somebody who waits for the one render, and may end it.
    pub fn patient() -> Self {
        Limits {
            steps: 2_000_000_000,
            bytes: 1 << 30,
            ..Limits::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: Limits::STEPS,
            bytes: Limits::BYTES,
            stack: Limits::STACK,
        }
    }
}

/// The host is asked after so many steps and bytes.
const STEPS_BY_LOOK: u64 = 2_000;
const BYTES_BY_LOOK: u64 = 256 << 10;

/// Helm's limit of nested includes of one name.
const MAX_INCLUDES: u32 = 1_000;

/// The name that Helm gives the root of its templates; a `tpl` text has it too.
const ROOT_NAME: &str = "gotpl";

/// Parsed `tpl` texts that are kept: the same few lines are often evaluated for
/// every object of a chart.
const MAX_CACHED_TEXTS: usize = 512;

/// One render: all templates of a release, one after another, with what they
/// share. It is what functions see of their caller.
pub struct Context<'h> {
    host: &'h dyn Host,
    limits: Limits,
    steps: u64,
    bytes: u64,
    /// Steps and bytes at which the host is asked again.
    next_look: (u64, u64),
    stack: StackGuard,
    templates: Rc<TemplateSet>,
    /// What the `tpl` texts under way define, the innermost last.
    defined: Vec<Rc<[Rc<Tree>]>>,
    /// How often each name is being included at the moment.
    includes: HashMap<GoStr, u32>,
    /// Maps that may hold themselves.
    tracked: Vec<WeakMap>,
    parsed_texts: HashMap<GoStr, Rc<[Rc<Tree>]>>,
    /// Regular expressions that were compiled before: to compile one takes far
    /// longer than to match it, and charts have few.
    pub(super) expressions: HashMap<Vec<u8>, Rc<Regexp>>,
    /// The file that is being rendered.
    file: GoStr,
    /// What is being rendered, for the host.
    release: GoStr,
    /// How often each draw was made, by file, function and arguments.
    draws: HashMap<(GoStr, &'static str, [u8; 32]), u64>,
}

impl<'h> Context<'h> {
    /// A render without templates, enough to call functions.
    pub fn new(host: &'h dyn Host, limits: Limits) -> Self {
        let templates = TemplateSet::new(FuncTable::default());
        Context::with_templates(Rc::new(templates), host, limits)
    }

    pub fn with_templates(templates: Rc<TemplateSet>, host: &'h dyn Host, limits: Limits) -> Self {
        Context {
            host,
            limits,
            steps: 0,
            bytes: 0,
            next_look: (STEPS_BY_LOOK, BYTES_BY_LOOK),
            stack: StackGuard::new(limits.stack),
            templates,
            defined: Vec::new(),
            includes: HashMap::default(),
            tracked: Vec::new(),
            parsed_texts: HashMap::default(),
            expressions: HashMap::default(),
            file: GoStr::new(""),
            release: GoStr::new(""),
            draws: HashMap::default(),
        }
    }

    /// Names what is rendered, so that the host can tell two renders of one
    /// chart apart.
    pub fn of_release(mut self, release: &str) -> Self {
        self.release = release.into();
        self
    }

    /// Executes a template of the set and gives what Helm makes of it: the text
    /// without any `<no value>`.
    pub fn render(&mut self, name: &str, data: Val) -> Result<GoStr, Error> {
        self.stack = StackGuard::new(self.limits.stack);
        self.file = name.into();
        let mut out = Vec::new();
        self.execute_template(&name.into(), data, &mut out)?;
        Ok(without_no_value(out).into())
    }

    pub fn host(&self) -> &'h dyn Host {
        self.host
    }

    /// The file whose rendering led here.
    pub fn file(&self) -> &GoStr {
        &self.file
    }

    pub(super) fn release(&self) -> &GoStr {
        &self.release
    }

    /// Counts a draw and gives how many equal ones went before.
    pub(super) fn count_draw(
        &mut self,
        file: &GoStr,
        function: &'static str,
        arguments: [u8; 32],
    ) -> u64 {
        let count = self
            .draws
            .entry((file.clone(), function, arguments))
            .or_insert(0);
        *count += 1;
        *count - 1
    }

    /// Counts work that a function is about to do (`until`, `seq`).
    pub fn take_steps(&mut self, n_steps: u64) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(n_steps);
        if self.steps > self.limits.steps {
            return Err(Error::new(format!(
                "the templates need more than {} steps",
                self.limits.steps
            )));
        }
        self.look()
    }

    fn look(&mut self) -> Result<(), Error> {
        if self.steps < self.next_look.0 && self.bytes < self.next_look.1 {
            return Ok(());
        }
        self.next_look = (
            self.steps.saturating_add(STEPS_BY_LOOK),
            self.bytes.saturating_add(BYTES_BY_LOOK),
        );
        self.host.step()
    }

    /// Counts bytes that a function is about to make. Every function whose
    /// result can be much larger than its arguments asks first (`repeat`).
    pub fn take_bytes(&mut self, n_bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(n_bytes);
        if self.bytes > self.limits.bytes {
            return Err(Error::new(format!(
                "the templates produce more than {} bytes",
                self.limits.bytes
            )));
        }
        self.look()
    }

    /// Helm's `include`: the output of a template as a string.
    pub fn include(&mut self, name: &GoStr, data: Val) -> Result<GoStr, Error> {
        let under_way = self.includes.entry(name.clone()).or_insert(0);
        if *under_way > MAX_INCLUDES || self.stack.is_low() {
            return Err(Error::new("unable to execute template").wrap(format!(
                "rendering template has a nested reference name: {name}: "
            )));
        }
        *under_way += 1;
        let mut out = Vec::new();
        let result = self.execute_template(name, data, &mut out);
        if let Some(under_way) = self.includes.get_mut(name) {
            *under_way -= 1;
        }
        result?;
        Ok(out.into())
    }

    /// Helm's `tpl`: executes a text as a template that sees all the others,
    /// and what the texts around it define.
    pub fn tpl(&mut self, text: &GoStr, data: Val) -> Result<GoStr, Error> {
        if memmem::find(text.as_bytes(), b"{{").is_none() {
            self.take_bytes(text.len() as u64)?;
            return Ok(without_no_value(text.as_bytes().to_vec()).into());
        }
        let quoted = || quote(text.as_bytes());
        let trees = match self.parsed_texts.get(text) {
            Some(trees) => Rc::clone(trees),
            None => {
                let functions = self.templates.functions();
                let parsed = parse::parse(
                    &ROOT_NAME.into(),
                    text.as_bytes().into(),
                    functions,
                    self.stack,
                );
                let trees: Rc<[Rc<Tree>]> = parsed
                    .map_err(|error| error.wrap(format!("cannot parse template {}: ", quoted())))?
                    .into();
                if self.parsed_texts.len() >= MAX_CACHED_TEXTS {
                    self.parsed_texts.clear();
                }
                self.parsed_texts.insert(text.clone(), Rc::clone(&trees));
                trees
            }
        };
        let mut out = Vec::new();
        let root = trees.iter().find(|tree| tree.name == ROOT_NAME).cloned();
        self.defined.push(trees);
        let result = match root {
            Some(tree) => exec::execute(self, &tree, data, &mut out),
            None => Ok(()),
        };
        self.defined.pop();
        result.map_err(|error| {
            error.wrap(format!(
                "error during tpl function execution for {}: ",
                quoted()
            ))
        })?;
        Ok(without_no_value(out).into())
    }

    fn execute_template(
        &mut self,
        name: &GoStr,
        data: Val,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match self.template(name) {
            Some(tree) => exec::execute(self, &tree, data, out),
            None => Err(Error::new(format!(
                "template: no template {} associated with template {}",
                quote(name.as_bytes()),
                quote(ROOT_NAME.as_bytes())
            ))),
        }
    }

    /// The template of a name, as the text that is being executed sees it.
    pub(super) fn template(&self, name: &GoStr) -> Option<Rc<Tree>> {
        let mut empty = None;
        for trees in self.defined.iter().rev() {
            if let Some(tree) = trees.iter().find(|tree| tree.name == *name) {
                // An empty definition replaces none, but the text itself, whose
                // name is the root's.
                if *name == ROOT_NAME || !tree.is_empty() {
                    return Some(Rc::clone(tree));
                }
                empty = Some(tree);
            }
        }
        self.templates.get(name).or(empty).cloned()
    }

    pub(super) fn is_strict(&self) -> bool {
        self.templates.is_strict()
    }

    pub(super) fn stack(&self) -> StackGuard {
        self.stack
    }

    pub(super) fn track(&mut self, map: &Map) {
        self.tracked.extend(map.track());
    }
}

fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    let mut found = memmem::find_iter(&text, builtins::NO_VALUE).peekable();
    if found.peek().is_none() {
        drop(found);
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in found {
        out.extend_from_slice(&text[from..at]);
        from = at + builtins::NO_VALUE.len();
    }
    out.extend_from_slice(&text[from..]);
    out
}

impl Drop for Context<'_> {
    /// A map that holds itself would never be freed.
    fn drop(&mut self) {
        for map in &self.tracked {
            map.empty();
        }
    }
}
