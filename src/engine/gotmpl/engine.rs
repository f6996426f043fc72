//! The functions that Helm's engine binds to a render: they execute templates,
//! end it, or ask the cluster.

use super::{Context, Error, FuncDef, GoStr, Type, Val};

/// Around the text of `required` and `fail`: what Helm's engine finds the
/// message by, to show nothing else.
pub const MESSAGE_START: &str = "HELM_ERR_START";
pub const MESSAGE_END: &str = "HELM_ERR_END";

/// They go before all other functions, as in Helm.
pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("include", &[Type::Str, Type::Any], Type::Str, include),
    FuncDef::new("tpl", &[Type::Str, Type::Any], Type::Str, tpl),
    FuncDef::new("required", &[Type::Str, Type::Any], Type::Any, required),
    FuncDef::new("fail", &[Type::Str], Type::Str, |_, args| {
        Err(message(&text(args, 0)))
    }),
    FuncDef::new(
        "lookup",
        &[Type::Str, Type::Str, Type::Str, Type::Str],
        Type::AnyMap,
        lookup,
    ),
];

fn text(args: &[Val], at: usize) -> GoStr {
    let text = args.get(at).and_then(Val::as_str).cloned();
    text.unwrap_or_else(|| GoStr::new(""))
}

fn message(text: &GoStr) -> Error {
    Error::new(format!("{MESSAGE_START}{text}{MESSAGE_END}"))
}

fn include(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let data = args.get(1).cloned().unwrap_or_default();
    Ok(Val::Str(context.include(&text(args, 0), data)?))
}

fn tpl(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let data = args.get(1).cloned().unwrap_or_default();
    Ok(Val::Str(context.tpl(&text(args, 0), data)?))
}

/// Nil and the empty string are missing; zero, false and empty lists are not.
fn required(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let value = args.get(1).cloned().unwrap_or_default();
    let missing = match &value {
        Val::Nil => true,
        Val::Str(text) => text.is_empty(),
        _ => false,
    };
    if missing {
        return Err(message(&text(args, 0)));
    }
    Ok(value)
}

fn lookup(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|at| text(args, at));
    context.host().lookup(
        &api_version.to_text(),
        &kind.to_text(),
        &namespace.to_text(),
        &name.to_text(),
    )
}
