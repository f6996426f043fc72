use std::fmt;

use super::ast::Function;
use super::parse::Functions;
use super::{Chance, Context, Error, HashMap, Type, Val, builtins, engine};

/// What a function does. The arguments have been checked against the signature:
/// their number is right, and each is of its parameter's type, or `Val::Nil`
/// where the type can be nil (a nil map or list of that type).
pub type Call = fn(&mut Context<'_>, &[Val]) -> Result<Val, Error>;

/// A template function with the signature that Go's reflection would see. The
/// evaluator checks arguments against it, so that all texts about numbers and
/// types of arguments come out of one place.
pub struct FuncDef {
    pub name: &'static str,
    /// The parameters; of a variadic function the last is the element type.
    pub params: &'static [Type],
    pub variadic: bool,
    /// The static type of the first result.
    pub result: Type,
    pub call: Call,
    pub chance: Chance,
}

impl FuncDef {
    /// `FuncDef::new("trunc", &[Type::Int, Type::Str], Type::Str, trunc)`
    pub const fn new(
        name: &'static str,
        params: &'static [Type],
        result: Type,
        call: Call,
    ) -> Self {
        FuncDef {
            name,
            params,
            variadic: false,
            result,
            call,
            chance: Chance::No,
        }
    }

    /// `FuncDef::variadic("list", &[Type::Any], Type::AnyList, list)` is
    /// `func(v ...interface{}) []interface{}`.
    pub const fn variadic(
        name: &'static str,
        params: &'static [Type],
        result: Type,
        call: Call,
    ) -> Self {
        FuncDef {
            name,
            params,
            variadic: true,
            result,
            call,
            chance: Chance::No,
        }
    }

    /// Its result is chance, which the host may remember.
    pub const fn drawn(mut self) -> Self {
        self.chance = Chance::Drawn;
        self
    }

    /// It makes certificates, argument `days` being their life.
    pub const fn certificate(mut self, days: usize) -> Self {
        self.chance = Chance::Certificate { days };
        self
    }
}

impl fmt::Debug for FuncDef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "func {}", self.name)
    }
}

/// What templates may call, by name: the functions given, the builtins of
/// text/template and those of Helm's engine (`include`, `tpl`, `required`,
/// `fail`, `lookup`), which go before all others. A function of the name of a
/// builtin replaces it (sprig's `slice`).
#[derive(Clone)]
pub struct FuncTable {
    by_name: HashMap<&'static str, Function>,
}

impl FuncTable {
    /// Of equal names the last wins.
    pub fn new(tables: &[&'static [FuncDef]]) -> Self {
        let mut by_name = HashMap::default();
        let (first, last) = ([builtins::FUNCTIONS], [engine::FUNCTIONS]);
        for def in first.iter().chain(tables).chain(&last).copied().flatten() {
            by_name.insert(def.name, Function::Def(def));
        }
        for builtin in builtins::BUILTINS {
            let function = Function::Builtin(builtin);
            by_name.entry(builtin.name).or_insert(function);
        }
        FuncTable { by_name }
    }
}

impl Functions for FuncTable {
    fn find(&self, name: &str) -> Option<Function> {
        self.by_name.get(name).copied()
    }
}

impl Default for FuncTable {
    fn default() -> Self {
        FuncTable::new(&[])
    }
}
