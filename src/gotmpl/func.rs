use std::collections::HashMap;
use std::fmt;

use super::{Chance, Context, Error, Type, Val};

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

/// The functions that templates may call, beside the builtins of text/template
/// and those of Helm's engine (`include`, `tpl`, `required`, `fail`, `lookup`),
/// which go before them. A function of the name of a builtin replaces it
/// (sprig's `slice`).
#[derive(Clone, Default)]
pub struct FuncTable {
    by_name: HashMap<&'static str, &'static FuncDef>,
}

impl FuncTable {
    pub fn new(tables: &[&'static [FuncDef]]) -> Self {
        let mut table = FuncTable::default();
        for functions in tables {
            table.add(functions);
        }
        table
    }

    /// Adds functions; of equal names the last wins.
    pub fn add(&mut self, functions: &'static [FuncDef]) {
        for function in functions {
            self.by_name.insert(function.name, function);
        }
    }

    pub fn get(&self, name: &str) -> Option<&'static FuncDef> {
        self.by_name.get(name).copied()
    }
}
