//! JSON, YAML and TOML, both ways. Helm's `to…` give an empty string where Go
//! has an error, its `from…` an entry `Error`; the `must…` fail.

use super::args::bytes;
use super::json_decode::{decode, misfit};
use super::json_encode::{Html, Layout, encode};
use super::{toml_decode, toml_encode};
use crate::gotmpl::{Context, Error, FuncDef, List, MAX_NESTING, Map, Numbers, Type, Val};
use crate::value::{self, Value, yaml};

use Type::{Any, AnyList, AnyMap, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("toJson", &[Any], Str, |ctx, args| {
        Ok(to_json(ctx, args, Html::Escaped, Layout::Compact).unwrap_or_else(|_| "".into()))
    }),
    FuncDef::new("mustToJson", &[Any], Str, |ctx, args| {
        to_json(ctx, args, Html::Escaped, Layout::Compact)
    }),
    FuncDef::new("toPrettyJson", &[Any], Str, |ctx, args| {
        Ok(to_json(ctx, args, Html::Escaped, Layout::Indented).unwrap_or_else(|_| "".into()))
    }),
    FuncDef::new("mustToPrettyJson", &[Any], Str, |ctx, args| {
        to_json(ctx, args, Html::Escaped, Layout::Indented)
    }),
    FuncDef::new("toRawJson", &[Any], Str, |ctx, args| {
        to_json(ctx, args, Html::Raw, Layout::Compact)
    }),
    FuncDef::new("mustToRawJson", &[Any], Str, |ctx, args| {
        to_json(ctx, args, Html::Raw, Layout::Compact)
    }),
    FuncDef::new("fromJson", &[Str], AnyMap, from_json),
    FuncDef::new("fromJsonArray", &[Str], AnyList, from_json_array),
    FuncDef::new("mustFromJson", &[Str], Any, must_from_json),
    FuncDef::new("toYaml", &[Any], Str, |ctx, args| {
        Ok(to_yaml(ctx, args).unwrap_or_else(|_| "".into()))
    }),
    FuncDef::new("mustToYaml", &[Any], Str, to_yaml),
    FuncDef::new("toYamlPretty", &[Any], Str, to_yaml_pretty),
    FuncDef::new("toToml", &[Any], Str, |ctx, args| {
        to_toml(ctx, args, |fault| Ok(fault.into()))
    }),
    FuncDef::new("mustToToml", &[Any], Str, |ctx, args| {
        to_toml(ctx, args, |fault| Err(Error::new(fault)))
    }),
    FuncDef::new("fromToml", &[Str], AnyMap, |_, args| {
        Ok(match toml_decode::decode(bytes(args, 0)) {
            Ok(map) => map.into(),
            Err(fault) => with_error(Map::new(), Some(fault)),
        })
    }),
    FuncDef::new("fromYaml", &[Str], AnyMap, from_yaml),
    FuncDef::new("fromYamlArray", &[Str], AnyList, from_yaml_array),
];

fn to_json(ctx: &mut Context<'_>, args: &[Val], html: Html, layout: Layout) -> Result<Val, Error> {
    let text = encode(&args[0], html, layout)?;
    ctx.take_bytes(text.len() as u64)?;
    Ok(text.into())
}

fn to_yaml(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let wrong_json = |error: Error| error.wrap("error marshaling into JSON: ");
    let value = args[0].to_value().map_err(wrong_json)?;
    check_readable(&value)?;
    let mut text = yaml::emit(&value);
    ctx.take_bytes(text.len() as u64)?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text.into())
}

/// go-yaml itself, without the round through JSON: what it has no text for is
/// a panic.
fn to_yaml_pretty(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut text = match &args[0] {
        Val::Float(number) => yaml::emit_indented(&Value::Float(*number)),
        value => yaml::emit_indented(&pretty_value(value, MAX_NESTING)?),
    };
    ctx.take_bytes(text.len() as u64)?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text.into())
}

/// As go-yaml sees values: NaN is one, nil lists and maps are empty.
fn pretty_value(value: &Val, depth: usize) -> Result<Value, Error> {
    let Some(depth) = depth.checked_sub(1) else {
        let text = format!("a value is nested more than {MAX_NESTING} deep");
        return Err(Error::new(text));
    };
    Ok(match value {
        Val::Float(number) => Value::Float(*number),
        Val::List(list) => {
            let items = list.items();
            let items = items.iter().map(|item| pretty_value(item, depth));
            Value::Seq(items.collect::<Result<_, _>>()?)
        }
        Val::Map(map) => {
            let mut out = value::Map::new();
            for (key, item) in map.entries().iter() {
                out.insert(key.to_text(), pretty_value(item, depth)?);
            }
            Value::Map(out)
        }
        Val::Object(object) if object.complex().is_some() => {
            return Err(Error::new("cannot marshal type: complex128"));
        }
        Val::Nil
        | Val::Bool(_)
        | Val::Int(_)
        | Val::Int64(_)
        | Val::Uint8(_)
        | Val::Uint64(_)
        | Val::Str(_)
        | Val::Bytes(_)
        | Val::Object(_) => value.to_value()?,
    })
}

/// Faults of the value are Helm's to answer, panics of the encoder are errors.
fn to_toml(
    ctx: &mut Context<'_>,
    args: &[Val],
    on_fault: impl FnOnce(String) -> Result<Val, Error>,
) -> Result<Val, Error> {
    match toml_encode::encode(&args[0]) {
        Ok(text) => {
            ctx.take_bytes(text.len() as u64)?;
            Ok(Val::Str(text.into()))
        }
        Err(toml_encode::Fault::Value(text)) => on_fault(text),
        Err(toml_encode::Fault::Panic(text)) => Err(Error::new(text)),
    }
}

/// sigs.k8s.io/yaml reads the JSON again as YAML, whose reader refuses what JSON
/// leaves as it is.
fn check_readable(value: &Value) -> Result<(), Error> {
    let refused =
        |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    let check = |text: &str| {
        if text.contains(refused) {
            let text = "yaml: control characters are not allowed";
            return Err(Error::new(text));
        }
        Ok(())
    };
    match value {
        Value::Str(text) => check(text),
        Value::Seq(items) => items.iter().try_for_each(check_readable),
        Value::Map(map) => map.iter().try_for_each(|(key, item)| {
            check(key)?;
            check_readable(item)
        }),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => Ok(()),
    }
}

/// The map of a document, with the error in it where there is one.
fn with_error(map: Map, error: Option<String>) -> Val {
    if let Some(error) = error {
        map.insert("Error", error);
    }
    map.into()
}

fn from_json(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(match decode(bytes(args, 0)) {
        Err(fault) => with_error(Map::new(), Some(fault)),
        Ok(decoded) => match decoded.value {
            Val::Map(map) => with_error(map, decoded.misfit),
            Val::Nil if decoded.misfit.is_none() => Map::nil(Any).into(),
            other => {
                let fault = misfit(&other, "map[string]interface {}");
                with_error(Map::new(), Some(fault))
            }
        },
    })
}

fn from_json_array(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let fault = match decode(bytes(args, 0)) {
        Err(fault) => fault,
        Ok(decoded) => match (decoded.value, decoded.misfit) {
            (Val::List(list), None) => return Ok(list.into()),
            (Val::Nil, None) => return Ok(List::nil(Any).into()),
            (Val::List(_), Some(fault)) => fault,
            (other, _) => misfit(&other, "[]interface {}"),
        },
    };
    Ok(List::new(vec![fault.into()]).into())
}

fn must_from_json(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let decoded = decode(bytes(args, 0)).map_err(Error::new)?;
    match decoded.misfit {
        Some(fault) => Err(Error::new(fault)),
        None => Ok(decoded.value),
    }
}

/// A YAML document as `yaml.Unmarshal` of sigs.k8s.io/yaml gives it.
fn yaml_document(text: &[u8]) -> Result<Val, String> {
    let document = yaml::decode(text).and_then(|text| yaml::parse_one(&text));
    let document = document.map_err(|fault| format!("error converting YAML to JSON: {fault}"))?;
    Ok(Val::from_value(&document, Numbers::Float64))
}

/// What sigs.k8s.io/yaml says of JSON that does not fit.
fn yaml_misfit(value: &Val, wanted: &str) -> String {
    format!(
        "error unmarshaling JSON: while decoding JSON: {}",
        misfit(value, wanted)
    )
}

fn from_yaml(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(match yaml_document(bytes(args, 0)) {
        Ok(Val::Map(map)) => map.into(),
        Ok(Val::Nil) => Map::new().into(),
        Ok(other) => {
            let fault = yaml_misfit(&other, "map[string]interface {}");
            with_error(Map::new(), Some(fault))
        }
        Err(fault) => with_error(Map::new(), Some(fault)),
    })
}

fn from_yaml_array(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let fault = match yaml_document(bytes(args, 0)) {
        Ok(Val::List(list)) => return Ok(list.into()),
        Ok(Val::Nil) => return Ok(List::new(Vec::new()).into()),
        Ok(other) => yaml_misfit(&other, "[]interface {}"),
        Err(fault) => fault,
    };
    Ok(List::new(vec![fault.into()]).into())
}
