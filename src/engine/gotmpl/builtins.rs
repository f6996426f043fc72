//! The functions that text/template itself brings.

use super::exec::Rv;
use super::strconv::decode_rune;
use super::unicode::is_print;
use super::{Context, Error, FuncDef, GoStr, Kind, List, Type, Val, gofmt};

/// What a template prints for no value; Helm takes it out of its results.
pub(super) const NO_VALUE: &[u8] = b"<no value>";

/// A builtin over `reflect.Value`s: it sees whether a nil is an interface's.
pub(super) struct Builtin {
    pub name: &'static str,
    pub n_params: usize,
    pub variadic: bool,
    pub special: Special,
    pub call: fn(&[Rv]) -> Result<Rv, Error>,
}

/// What the evaluator has to do itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    None,
    /// `and` and `or` evaluate no argument behind the one that decides.
    And,
    Or,
    /// `call` names its argument in errors.
    Call,
}

const fn builtin(
    name: &'static str,
    n_params: usize,
    variadic: bool,
    call: fn(&[Rv]) -> Result<Rv, Error>,
) -> Builtin {
    Builtin {
        name,
        n_params,
        variadic,
        special: Special::None,
        call,
    }
}

/// The builtins that see `reflect.Value`s.
pub(super) static BUILTINS: &[Builtin] = &[
    Builtin {
        name: "and",
        n_params: 2,
        variadic: true,
        special: Special::And,
        call: nothing,
    },
    Builtin {
        name: "or",
        n_params: 2,
        variadic: true,
        special: Special::Or,
        call: nothing,
    },
    Builtin {
        name: "call",
        n_params: 2,
        variadic: true,
        special: Special::Call,
        call: nothing,
    },
    builtin("not", 1, false, |args| {
        Ok(Rv::bare(Val::Bool(!args[0].val.is_true())))
    }),
    builtin("len", 1, false, |args| length(&args[0])),
    builtin("index", 2, true, index),
    builtin("slice", 2, true, slice),
    builtin("eq", 2, true, |args| truth(equal(&args[0], &args[1..]))),
    builtin("ne", 2, false, |args| {
        truth(equal(&args[0], &args[1..]).map(|equal| !equal))
    }),
    builtin("lt", 2, false, |args| truth(less(&args[0], &args[1]))),
    builtin("le", 2, false, |args| truth(less_or_equal(args))),
    builtin("gt", 2, false, |args| {
        truth(less_or_equal(args).map(|less| !less))
    }),
    builtin("ge", 2, false, |args| {
        truth(less(&args[0], &args[1]).map(|less| !less))
    }),
];

/// The builtins that are ordinary Go functions.
pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::variadic("print", &[Type::Any], Type::Str, |context, args| {
        made(context, gofmt::sprint(args)?)
    }),
    FuncDef::variadic("println", &[Type::Any], Type::Str, |context, args| {
        made(context, gofmt::sprintln(args)?)
    }),
    FuncDef::variadic(
        "printf",
        &[Type::Str, Type::Any],
        Type::Str,
        |context, args| {
            let format = args.first().and_then(Val::as_str);
            let format = format.map_or(&b""[..], GoStr::as_bytes);
            made(
                context,
                gofmt::sprintf(format, args.get(1..).unwrap_or_default())?,
            )
        },
    ),
    FuncDef::variadic("html", &[Type::Any], Type::Str, |context, args| {
        made(context, escape_html(text_of(args)?.as_bytes()).into())
    }),
    FuncDef::variadic("js", &[Type::Any], Type::Str, |context, args| {
        made(context, escape_js(text_of(args)?.as_bytes()).into())
    }),
    FuncDef::variadic("urlquery", &[Type::Any], Type::Str, |context, args| {
        made(context, escape_query(text_of(args)?.as_bytes()).into())
    }),
];

fn made(context: &mut Context<'_>, text: GoStr) -> Result<Val, Error> {
    context.take_bytes(text.len() as u64)?;
    Ok(Val::Str(text))
}

fn truth(result: Result<bool, Error>) -> Result<Rv, Error> {
    result.map(|flag| Rv::bare(Val::Bool(flag)))
}

fn nothing(_: &[Rv]) -> Result<Rv, Error> {
    Ok(Rv::default())
}

/// `reflect.Value.String`: a string itself, of others the type.
pub(super) fn value_name(value: &Rv) -> String {
    match &value.val {
        Val::Str(text) => text.to_string(),
        Val::Nil => "<invalid Value>".into(),
        other => format!("<{} Value>", other.type_name()),
    }
}

/// No value of a Helm template is a function.
pub(super) fn not_callable(name: &str, value: &Rv) -> Error {
    Error::new(match &value.val {
        Val::Nil => "call of nil".into(),
        other => format!("non-function {name} of type {}", other.type_name()),
    })
}

fn length(item: &Rv) -> Result<Rv, Error> {
    let length = match &item.val {
        Val::Nil if item.iface => return Err(Error::new("len of nil pointer")),
        Val::Nil => {
            return Err(Error::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        Val::Str(text) => text.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::List(list) => list.len(),
        Val::Map(map) => map.len(),
        other => {
            // Go looks through the pointer first.
            let name = other.type_name();
            let name = name.strip_prefix('*').unwrap_or(&name);
            return Err(Error::new(format!("len of type {name}")));
        }
    };
    Ok(Rv::bare(Val::Int(length as i64)))
}

/// An index into something of a length, or Go's text of why it is none.
fn index_arg(index: &Val, length: usize) -> Result<usize, Error> {
    let number = match index {
        Val::Nil => return Err(Error::new("cannot index slice/array with nil")),
        other => other.as_int().ok_or_else(|| {
            Error::new(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            ))
        })?,
    };
    match usize::try_from(number) {
        Ok(at) if at <= length => Ok(at),
        _ => Err(Error::new(format!("index out of range: {number}"))),
    }
}

/// `index x 1 2 3` is `x[1][2][3]`.
fn index(args: &[Rv]) -> Result<Rv, Error> {
    let Some((first, indexes)) = args.split_first() else {
        return Ok(Rv::default());
    };
    if first.val.is_nil() {
        return Err(Error::new("index of untyped nil"));
    }
    let mut item = first.clone();
    item.iface = false;
    for index in indexes {
        let next = match &item.val {
            Val::Nil => return Err(Error::new("index of nil pointer")),
            Val::Map(map) => {
                let Val::Str(key) = &index.val else {
                    return Err(Error::new(match &index.val {
                        Val::Nil => "value is nil; should be of type string".into(),
                        other => format!("value has type {}; should be string", other.type_name()),
                    }));
                };
                let value = map.get_bytes(key.as_bytes());
                Rv::of(value.unwrap_or_else(|| map.elem().zero()), map.elem())
            }
            Val::List(list) => {
                let at = index_arg(&index.val, list.len())?;
                let value = list
                    .get(at)
                    .ok_or_else(|| Error::new("reflect: slice index out of range"))?;
                Rv::of(value, list.elem())
            }
            Val::Str(text) => Rv::bare(Val::Uint8(byte_at(
                text.as_bytes(),
                &index.val,
                "reflect: string index out of range",
            )?)),
            Val::Bytes(bytes) => Rv::bare(Val::Uint8(byte_at(
                bytes,
                &index.val,
                "reflect: slice index out of range",
            )?)),
            other => {
                return Err(Error::new(format!(
                    "can't index item of type {}",
                    other.type_name()
                )));
            }
        };
        item = next;
    }
    Ok(item)
}

fn byte_at(bytes: &[u8], index: &Val, out_of_range: &str) -> Result<u8, Error> {
    let at = index_arg(index, bytes.len())?;
    bytes
        .get(at)
        .copied()
        .ok_or_else(|| Error::new(out_of_range))
}

/// `slice x 1 2` is `x[1:2]`. (Helm's templates see sprig's instead.)
fn slice(args: &[Rv]) -> Result<Rv, Error> {
    let Some((item, indexes)) = args.split_first() else {
        return Ok(Rv::default());
    };
    if item.val.is_nil() {
        return Err(Error::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Error::new(format!(
            "too many slice indexes: {}",
            indexes.len()
        )));
    }
    let length = match &item.val {
        Val::Str(_) if indexes.len() == 3 => {
            return Err(Error::new("cannot 3-index slice a string"));
        }
        Val::Str(text) => text.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::List(list) => list.len(),
        other => {
            return Err(Error::new(format!(
                "can't slice item of type {}",
                other.type_name()
            )));
        }
    };
    let mut places = [0, length, length];
    for (place, index) in places.iter_mut().zip(indexes) {
        *place = index_arg(&index.val, length)?;
    }
    let [from, to, cap] = places;
    for (low, high) in [(from, to), (to, cap)] {
        if low > high {
            return Err(Error::new(format!("invalid slice index: {low} > {high}")));
        }
    }
    Ok(Rv::bare(match &item.val {
        Val::Str(text) => Val::Str(GoStr::from_bytes(&text.as_bytes()[from..to])),
        Val::Bytes(bytes) => Val::Bytes(bytes[from..to].into()),
        Val::List(list) => Val::List(List::of(list.elem(), list.items()[from..to].to_vec())),
        _ => Val::Nil,
    }))
}

/// What comparison distinguishes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BasicKind {
    Invalid,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic_kind(value: &Val) -> BasicKind {
    match value.kind() {
        Kind::Bool => BasicKind::Bool,
        Kind::Int | Kind::Int64 => BasicKind::Int,
        Kind::Uint8 | Kind::Uint64 => BasicKind::Uint,
        Kind::Float64 => BasicKind::Float,
        Kind::Complex128 => BasicKind::Complex,
        Kind::String => BasicKind::String,
        Kind::Invalid | Kind::Slice | Kind::Map | Kind::Struct | Kind::Ptr => BasicKind::Invalid,
    }
}

fn signed(value: &Val) -> i64 {
    value.as_int().unwrap_or_default()
}

fn unsigned(value: &Val) -> u64 {
    match value {
        Val::Uint64(number) => *number,
        other => signed(other) as u64,
    }
}

fn float(value: &Val) -> f64 {
    match value {
        Val::Float(number) => *number,
        _ => 0.0,
    }
}

fn bytes(value: &Val) -> &[u8] {
    value.as_str().map_or(&[], GoStr::as_bytes)
}

/// `a == b || a == c || ..`
fn equal(first: &Rv, others: &[Rv]) -> Result<bool, Error> {
    if others.is_empty() {
        return Err(Error::new("missing argument for comparison"));
    }
    for other in others {
        if equal_to(&first.val, &other.val)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_to(a: &Val, b: &Val) -> Result<bool, Error> {
    let kinds = (basic_kind(a), basic_kind(b));
    Ok(match kinds {
        (BasicKind::Int, BasicKind::Uint) => signed(a) >= 0 && signed(a) as u64 == unsigned(b),
        (BasicKind::Uint, BasicKind::Int) => signed(b) >= 0 && unsigned(a) == signed(b) as u64,
        (kind_a, kind_b) if kind_a != kind_b => {
            if !a.is_nil() && !b.is_nil() {
                return Err(incompatible(a, b));
            }
            false
        }
        (BasicKind::Bool, _) => a.is_true() == b.is_true(),
        (BasicKind::Float, _) => float(a) == float(b),
        (BasicKind::Int, _) => signed(a) == signed(b),
        (BasicKind::String, _) => bytes(a) == bytes(b),
        (BasicKind::Uint, _) => unsigned(a) == unsigned(b),
        (BasicKind::Complex, _) => objects_equal(a, b),
        (BasicKind::Invalid, _) => return equal_others(a, b),
    })
}

fn equal_others(a: &Val, b: &Val) -> Result<bool, Error> {
    if a.kind() != b.kind() && !a.is_nil() && !b.is_nil() {
        let types = [a.type_name().into_owned(), b.type_name().into_owned()].map(Val::from);
        let [type_a, type_b] = types;
        let text = gofmt::sprintf(
            b"non-comparable types %s: %v, %s: %v",
            &[a.clone(), type_a, type_b, b.clone()],
        )?;
        return Err(Error::new(text.to_text()));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match b {
        Val::Object(_) => Ok(objects_equal(a, b)),
        _ => {
            let kind = Val::from(b.type_name().into_owned());
            let text = gofmt::sprintf(b"non-comparable type %s: %v", &[b.clone(), kind])?;
            Err(Error::new(text.to_text()))
        }
    }
}

fn objects_equal(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Object(a), Val::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b) || a.type_name() == b.type_name() && a.equals(&**b)
        }
        _ => false,
    }
}

fn is_nil(value: &Val) -> bool {
    match value {
        Val::Nil => true,
        Val::List(list) => list.is_nil(),
        Val::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn incompatible(a: &Val, b: &Val) -> Error {
    Error::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

fn less(a: &Rv, b: &Rv) -> Result<bool, Error> {
    let (a, b) = (&a.val, &b.val);
    let bad = || Error::new("invalid type for comparison");
    let kinds = (basic_kind(a), basic_kind(b));
    Ok(match kinds {
        (BasicKind::Invalid, _) | (_, BasicKind::Invalid) => return Err(bad()),
        (BasicKind::Int, BasicKind::Uint) => signed(a) < 0 || (signed(a) as u64) < unsigned(b),
        (BasicKind::Uint, BasicKind::Int) => signed(b) >= 0 && unsigned(a) < signed(b) as u64,
        (kind_a, kind_b) if kind_a != kind_b => return Err(incompatible(a, b)),
        (BasicKind::Bool | BasicKind::Complex, _) => return Err(bad()),
        (BasicKind::Float, _) => float(a) < float(b),
        (BasicKind::Int, _) => signed(a) < signed(b),
        (BasicKind::String, _) => bytes(a) < bytes(b),
        (BasicKind::Uint, _) => unsigned(a) < unsigned(b),
    })
}

fn less_or_equal(args: &[Rv]) -> Result<bool, Error> {
    Ok(less(&args[0], &args[1])? || equal_to(&args[0].val, &args[1].val)?)
}

/// The arguments as `print` would join them.
fn text_of(args: &[Val]) -> Result<GoStr, Error> {
    if let [Val::Str(text)] = args {
        return Ok(text.clone());
    }
    let shown: Vec<Val> = args
        .iter()
        .map(|arg| match arg {
            Val::Nil => Val::Str(GoStr::from_bytes(NO_VALUE)),
            other => other.clone(),
        })
        .collect();
    gofmt::sprint(&shown)
}

fn escape_html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend("\u{fffd}".as_bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            other => out.push(*other),
        }
    }
    out
}

fn escape_js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (rune, width) = decode_rune(rest);
        match byte {
            b'\\' => out.extend(b"\\\\"),
            b'\'' => out.extend(b"\\'"),
            b'"' => out.extend(b"\\\""),
            b'<' => out.extend(b"\\u003C"),
            b'>' => out.extend(b"\\u003E"),
            b'&' => out.extend(b"\\u0026"),
            b'=' => out.extend(b"\\u003D"),
            0..b' ' => out.extend(format!("\\u00{byte:02X}").bytes()),
            b' '..0x80 => out.push(byte),
            0x80.. if is_print(rune) => out.extend_from_slice(&rest[..width]),
            0x80.. => out.extend(format!("\\u{rune:04X}").bytes()),
        }
        rest = &rest[width..];
    }
    out
}

fn escape_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            other => out.extend(format!("%{other:02X}").bytes()),
        }
    }
    out
}
