//! Pipelines, commands and their operands: values out of expressions.

use smallvec::SmallVec;

use super::ast::{Command, Function, Operand, Pipe, Variable};
use super::builtins::{self, Builtin, Special};
use super::exec::{At, Exec, Rv};
use super::strconv::quote;
use super::{Chance, Error, FuncDef, GoStr, Type, Val, chance};

type Args = SmallVec<[Val; 6]>;

impl<'t> Exec<'_, '_, 't> {
    pub(super) fn set_var(&mut self, variable: &Variable, value: Rv) -> Result<(), Error> {
        match self
            .vars
            .iter_mut()
            .rev()
            .find(|(id, _)| *id == variable.id)
        {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {}", variable.name))),
        }
    }

    fn var(&self, variable: &Variable) -> Result<&Rv, Error> {
        match self.vars.iter().rev().find(|(id, _)| *id == variable.id) {
            Some((_, value)) => Ok(value),
            None => Err(self.error(format!("undefined variable: {}", variable.name))),
        }
    }

    pub(super) fn eval_pipeline(&mut self, dot: &Rv, pipe: &'t Pipe) -> Result<Rv, Error> {
        self.at = At::Pipe(pipe);
        self.check_stack()?;
        let mut value = None;
        for command in &pipe.commands {
            let mut result = self.eval_command(dot, command, value)?;
            // Out of the interface{}, if it is in one.
            result.iface = false;
            value = Some(result);
        }
        let value = value.unwrap_or_default();
        for variable in &pipe.decl {
            if pipe.assign {
                self.set_var(variable, value.clone())?;
            } else {
                self.vars.push((variable.id, value.clone()));
            }
        }
        Ok(value)
    }

    fn eval_command(
        &mut self,
        dot: &Rv,
        command: &'t Command,
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        let Some((first, args)) = command.args.split_first() else {
            return Err(self.error("empty command"));
        };
        match first {
            Operand::Field(_, names) => {
                self.at = At::Operand(first);
                return self.eval_fields(dot, dot, first, names, args, last);
            }
            Operand::Chain(_, chain) => {
                return self.eval_chain(dot, first, chain, args, last);
            }
            Operand::Function(_, function) => {
                self.at = At::Operand(first);
                return self.eval_function(dot, *function, At::Command(command), args, last);
            }
            Operand::Pipe(pipe) => {
                self.no_arguments(first, args, &last)?;
                return self.eval_pipeline(dot, pipe);
            }
            Operand::Variable(_, variable) => {
                return self.eval_variable(dot, first, variable, args, last);
            }
            Operand::Dot(_)
            | Operand::Nil(_)
            | Operand::Bool(..)
            | Operand::Number(..)
            | Operand::Str { .. } => {}
        }
        self.at = At::Operand(first);
        self.no_arguments(first, args, &last)?;
        match first {
            Operand::Dot(_) => Ok(dot.clone()),
            Operand::Nil(_) => Err(self.error("nil is not a command")),
            _ => self.constant(first),
        }
    }

    fn no_arguments(
        &self,
        first: &Operand,
        args: &[Operand],
        last: &Option<Rv>,
    ) -> Result<(), Error> {
        if !args.is_empty() || last.is_some() {
            return Err(self.error(format!(
                "can't give argument to non-function {}",
                self.show(first)
            )));
        }
        Ok(())
    }

    fn show(&self, operand: &Operand) -> String {
        let mut text = String::new();
        operand.write(&self.tree.source.text, &mut text);
        text
    }

    /// A literal where no type is asked for.
    fn constant(&mut self, operand: &'t Operand) -> Result<Rv, Error> {
        self.at = At::Operand(operand);
        let value = match operand {
            Operand::Bool(_, flag) => Val::Bool(*flag),
            Operand::Str { value, .. } => Val::Str(value.clone()),
            Operand::Number(_, number) => match &number.ideal {
                Some(value) => value.clone(),
                None => return Err(self.error(format!("{} overflows int", number.text))),
            },
            Operand::Dot(_)
            | Operand::Nil(_)
            | Operand::Field(..)
            | Operand::Variable(..)
            | Operand::Function(..)
            | Operand::Chain(..)
            | Operand::Pipe(_) => {
                return Err(self.error(format!(
                    "can't evaluate command {}",
                    quote(self.show(operand).as_bytes())
                )));
            }
        };
        Ok(Rv::bare(value))
    }

    fn eval_chain(
        &mut self,
        dot: &Rv,
        node: &'t Operand,
        chain: &'t (Operand, Vec<GoStr>),
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        self.at = At::Operand(node);
        let receiver = self.eval_operand(dot, &chain.0)?;
        self.eval_fields(dot, &receiver, node, &chain.1, args, last)
    }

    fn eval_variable(
        &mut self,
        dot: &Rv,
        node: &'t Operand,
        variable: &'t (Variable, Box<[GoStr]>),
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        self.at = At::Operand(node);
        let value = self.var(&variable.0)?.clone();
        if variable.1.is_empty() {
            self.no_arguments(node, args, &last)?;
            return Ok(value);
        }
        self.eval_fields(dot, &value, node, &variable.1, args, last)
    }

    /// `.X.Y.Z`; the last may be a method, which gets the arguments.
    fn eval_fields(
        &mut self,
        dot: &Rv,
        receiver: &Rv,
        node: &'t Operand,
        names: &'t [GoStr],
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        let Some((final_name, names)) = names.split_last() else {
            return Ok(receiver.clone());
        };
        let mut value = None;
        for name in names {
            let receiver = value.as_ref().unwrap_or(receiver);
            value = Some(self.eval_field(dot, receiver, node, name, &[], None)?);
        }
        let receiver = value.as_ref().unwrap_or(receiver);
        self.eval_field(dot, receiver, node, final_name, args, last)
    }

    fn eval_field(
        &mut self,
        dot: &Rv,
        receiver: &Rv,
        node: &'t Operand,
        name: &GoStr,
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        if receiver.val.is_nil() {
            if receiver.iface {
                return Err(self.error(format!(
                    "nil pointer evaluating {}.{name}",
                    receiver.type_name()
                )));
            }
            if self.context.is_strict() {
                let name = quote(name.as_bytes());
                return Err(self.error(format!("nil data; no entry for key {name}")));
            }
            return Ok(Rv::default());
        }
        let methods = receiver.val.methods();
        if let Some(method) = methods.iter().find(|method| *name == method.name) {
            let receiver = Some(receiver.val.clone());
            return self.call(dot, method, receiver, At::Operand(node), args, last);
        }
        let has_arguments = !args.is_empty() || last.is_some();
        match &receiver.val {
            Val::Map(map) => {
                if has_arguments {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                if let Some(value) = map.get_bytes(name.as_bytes()) {
                    return Ok(Rv::of(value, map.elem()));
                }
                if self.context.is_strict() {
                    let name = quote(name.as_bytes());
                    return Err(self.error(format!("map has no entry for key {name}")));
                }
                Ok(Rv::of(map.elem().zero(), map.elem()))
            }
            Val::Object(object) => {
                if let Some(value) = name.as_str().and_then(|name| object.field(name)) {
                    if has_arguments {
                        return Err(self.error(format!(
                            "{name} has arguments but cannot be invoked as function"
                        )));
                    }
                    return Ok(Rv::bare(value));
                }
                if object.unexported_fields().iter().any(|own| *name == *own) {
                    let of = receiver.type_name();
                    return Err(
                        self.error(format!("{name} is an unexported field of struct type {of}"))
                    );
                }
                let mut unusable = object.unusable_methods().iter();
                if let Some((_, why)) = unusable.find(|(own, _)| *name == *own) {
                    let n_args = args.len() + usize::from(last.is_some());
                    return Err(self.error(match n_args {
                        0 => (*why).to_owned(),
                        n => format!("wrong number of args for {name}: want 0 got {n}"),
                    }));
                }
                Err(self.no_field(receiver, name))
            }
            _ => Err(self.no_field(receiver, name)),
        }
    }

    fn no_field(&self, receiver: &Rv, name: &GoStr) -> Error {
        self.error(format!(
            "can't evaluate field {name} in type {}",
            receiver.type_name()
        ))
    }

    fn eval_function(
        &mut self,
        dot: &Rv,
        function: Function,
        node: At<'t>,
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        match function {
            Function::Def(def) => self.call(dot, def, None, node, args, last),
            Function::Builtin(builtin) => self.call_builtin(dot, builtin, node, args, last),
        }
    }

    fn call(
        &mut self,
        dot: &Rv,
        def: &'static FuncDef,
        receiver: Option<Val>,
        node: At<'t>,
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        let n_args = args.len() + usize::from(last.is_some());
        self.check_number(def.name, def.params.len(), def.variadic, args.len(), n_args)?;
        let param = |at: usize| match def.params.get(at) {
            Some(param) => *param,
            None => def.params.last().copied().unwrap_or(Type::Any),
        };
        let mut values: Args = SmallVec::new();
        values.extend(receiver);
        for (at, arg) in args.iter().enumerate() {
            values.push(self.eval_arg(dot, param(at), arg)?);
        }
        if let Some(last) = last {
            values.push(self.validate(last, param(n_args - 1))?.val);
        }
        self.step()?;
        let result = match def.chance {
            Chance::No => (def.call)(self.context, &values),
            Chance::Drawn | Chance::Certificate { .. } => chance::call(self.context, def, &values),
        };
        match result {
            Ok(value) => Ok(Rv::of(value, def.result)),
            Err(error) => {
                self.at = node;
                Err(self.wrap(&format!("error calling {}: ", def.name), error))
            }
        }
    }

    fn check_number(
        &self,
        name: &str,
        n_params: usize,
        variadic: bool,
        n_written: usize,
        n_args: usize,
    ) -> Result<(), Error> {
        if variadic {
            let least = n_params - 1;
            if n_args < least {
                return Err(self.error(format!(
                    "wrong number of args for {name}: want at least {least} got {n_written}"
                )));
            }
        } else if n_args != n_params {
            return Err(self.error(format!(
                "wrong number of args for {name}: want {n_params} got {n_args}"
            )));
        }
        Ok(())
    }

    fn call_builtin(
        &mut self,
        dot: &Rv,
        builtin: &'static Builtin,
        node: At<'t>,
        args: &'t [Operand],
        last: Option<Rv>,
    ) -> Result<Rv, Error> {
        let n_args = args.len() + usize::from(last.is_some());
        self.check_number(
            builtin.name,
            builtin.n_params,
            builtin.variadic,
            args.len(),
            n_args,
        )?;
        if let Special::And | Special::Or = builtin.special {
            let mut value = Rv::default();
            for arg in args {
                value = self.eval_reflect_arg(dot, arg)?;
                if value.val.is_true() == (builtin.special == Special::Or) {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut values: SmallVec<[Rv; 4]> = SmallVec::new();
        for arg in args {
            values.push(self.eval_reflect_arg(dot, arg)?);
        }
        values.extend(last);
        self.step()?;
        let result = match builtin.special {
            Special::Call => {
                let name = match args.first() {
                    Some(arg) => self.show(arg),
                    None => builtins::value_name(&values[0]),
                };
                Err(builtins::not_callable(&name, &values[0]))
            }
            Special::None | Special::And | Special::Or => (builtin.call)(&values),
        };
        result.map_err(|error| {
            self.at = node;
            self.wrap(&format!("error calling {}: ", builtin.name), error)
        })
    }

    /// An argument for a parameter of a type.
    fn eval_arg(&mut self, dot: &Rv, param: Type, arg: &'t Operand) -> Result<Val, Error> {
        self.at = At::Operand(arg);
        match arg {
            Operand::Dot(_) => Ok(self.validate(dot.clone(), param)?.val),
            Operand::Nil(_) => {
                if param.can_be_nil() {
                    return Ok(Val::Nil);
                }
                Err(self.error(format!("cannot assign nil to {}", param.name())))
            }
            Operand::Field(..)
            | Operand::Variable(..)
            | Operand::Pipe(_)
            | Operand::Function(..)
            | Operand::Chain(..) => {
                let value = self.eval_operand(dot, arg)?;
                Ok(self.validate(value, param)?.val)
            }
            Operand::Bool(..) | Operand::Number(..) | Operand::Str { .. } => {
                self.eval_literal(param, arg)
            }
        }
    }

    fn eval_reflect_arg(&mut self, dot: &Rv, arg: &'t Operand) -> Result<Rv, Error> {
        self.at = At::Operand(arg);
        match arg {
            Operand::Dot(_) => Ok(dot.clone()),
            Operand::Nil(_) => Ok(Rv::default()),
            Operand::Field(..)
            | Operand::Variable(..)
            | Operand::Pipe(_)
            | Operand::Function(..)
            | Operand::Chain(..) => self.eval_operand(dot, arg),
            Operand::Bool(..) | Operand::Number(..) | Operand::Str { .. } => self.constant(arg),
        }
    }

    /// An operand without arguments of its own.
    fn eval_operand(&mut self, dot: &Rv, operand: &'t Operand) -> Result<Rv, Error> {
        self.at = At::Operand(operand);
        match operand {
            Operand::Field(_, names) => self.eval_fields(dot, dot, operand, names, &[], None),
            Operand::Variable(_, variable) => self.eval_variable(dot, operand, variable, &[], None),
            Operand::Pipe(pipe) => self.eval_pipeline(dot, pipe),
            Operand::Function(_, function) => {
                self.eval_function(dot, *function, At::Operand(operand), &[], None)
            }
            Operand::Chain(_, chain) => self.eval_chain(dot, operand, chain, &[], None),
            Operand::Dot(_) => Ok(dot.clone()),
            Operand::Nil(_) => Ok(Rv::default()),
            Operand::Bool(..) | Operand::Number(..) | Operand::Str { .. } => self.constant(operand),
        }
    }

    fn eval_literal(&mut self, param: Type, arg: &'t Operand) -> Result<Val, Error> {
        let (value, wanted) = match param {
            Type::Any | Type::Reflect => return Ok(self.constant(arg)?.val),
            Type::Bool => (
                match arg {
                    Operand::Bool(_, flag) => Some(Val::Bool(*flag)),
                    _ => None,
                },
                "bool",
            ),
            Type::Str => (
                match arg {
                    Operand::Str { value, .. } => Some(Val::Str(value.clone())),
                    _ => None,
                },
                "string",
            ),
            Type::Int | Type::Int64 => (
                match arg {
                    Operand::Number(_, number) => number.int.map(|n| match param {
                        Type::Int64 => Val::Int64(n),
                        _ => Val::Int(n),
                    }),
                    _ => None,
                },
                "integer",
            ),
            Type::Uint8 | Type::Uint32 | Type::Uint64 => (
                match arg {
                    Operand::Number(_, number) => number.uint.map(|n| match param {
                        Type::Uint8 => Val::Uint8(n as u8),
                        Type::Uint32 => Val::Uint64(u64::from(n as u32)),
                        _ => Val::Uint64(n),
                    }),
                    _ => None,
                },
                "unsigned integer",
            ),
            Type::Float64 => (
                match arg {
                    Operand::Number(_, number) => number.float.map(Val::Float),
                    _ => None,
                },
                "float",
            ),
            Type::Bytes
            | Type::AnyList
            | Type::StrList
            | Type::IntList
            | Type::AnyListList
            | Type::AnyMap
            | Type::StrMap
            | Type::Named(_) => {
                return Err(self.error(format!(
                    "can't handle {} for arg of type {}",
                    self.show(arg),
                    param.name()
                )));
            }
        };
        match value {
            Some(value) => Ok(value),
            None => Err(self.error(format!("expected {wanted}; found {}", self.show(arg)))),
        }
    }

    /// That a value may be given for a parameter of a type.
    fn validate(&self, value: Rv, param: Type) -> Result<Rv, Error> {
        if value.is_invalid() {
            if param.can_be_nil() {
                return Ok(value);
            }
            return Err(self.error(format!("invalid value; expected {}", param.name())));
        }
        let fits = match &value.val {
            Val::Nil => matches!(param, Type::Any | Type::Reflect),
            val => val.assignable_to(param),
        };
        if fits {
            return Ok(value);
        }
        let got = match &value.val {
            Val::Nil => value.type_name(),
            val => val.type_name(),
        };
        Err(self.error(format!(
            "wrong type for value; expected {}; got {got}",
            param.name()
        )))
    }
}
