//! `.Files`: the files of a chart that are no templates.

use super::chart::{ChartFile, Unread};
use crate::gotmpl::{Context, Error, FuncDef, Kind, List, Map, Named, Object, Type, Val};
use crate::value::glob::Glob;
use crate::value::{self, Value, yaml};
use base64::Engine as _;
use std::any::Any;
use std::rc::Rc;

/// The files as `engine.files`, a map of bytes with methods.
pub fn files_val(files: &[ChartFile]) -> Val {
    let entries = files.iter().map(|file| {
        let contents = match &file.unread {
            Some(unread) => Val::Object(Rc::new(UnreadFile(unread.clone()))),
            None => Val::Bytes(file.data.clone()),
        };
        (file.name.as_str().into(), contents)
    });
    Val::Map(Map::named(&FILES, Type::Bytes, entries.collect()))
}

/// Stands for the bytes of a file that was passed over. Whoever looks at it
/// would have needed them.
struct UnreadFile(Unread);

impl Object for UnreadFile {
    fn type_name(&self) -> &'static str {
        self.0.miss();
        "[]uint8"
    }

    fn kind(&self) -> Kind {
        self.0.miss();
        Kind::Slice
    }

    fn as_any(&self) -> &dyn Any {
        self.0.miss();
        self
    }

    fn field(&self, _name: &str) -> Option<Val> {
        self.0.miss();
        None
    }

    fn methods(&self) -> &'static [FuncDef] {
        self.0.miss();
        &[]
    }

    fn stringer(&self) -> Option<String> {
        self.0.miss();
        None
    }

    fn stringer_of_address(&self) -> Option<String> {
        self.0.miss();
        None
    }

    fn complex(&self) -> Option<(f64, f64)> {
        self.0.miss();
        None
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        self.0.miss();
        Vec::new()
    }

    fn equals(&self, _other: &dyn Object) -> bool {
        self.0.miss();
        false
    }

    fn to_value(&self) -> Result<Value, Error> {
        self.0.miss();
        Ok(Value::Null)
    }
}

/// Notes that the bytes of a file are wanted, where it is one that was passed over.
fn miss(contents: &Val) {
    if let Some(UnreadFile(unread)) = contents.downcast() {
        unread.miss();
    }
}

static FILES: Named = Named {
    name: "engine.files",
    methods: &[
        FuncDef::new("Get", &[Type::Str], Type::Str, get),
        FuncDef::new("GetBytes", &[Type::Str], Type::Bytes, get_bytes),
        FuncDef::new("Glob", &[Type::Str], Type::Named("engine.files"), glob),
        FuncDef::new("AsConfig", &[], Type::Str, as_config),
        FuncDef::new("AsSecrets", &[], Type::Str, as_secrets),
        FuncDef::new("Lines", &[Type::Str], Type::StrList, lines),
    ],
};

fn bytes_of(args: &[Val]) -> Option<(&Map, Rc<[u8]>)> {
    let (files, name) = (args.first()?.as_map()?, args.get(1)?.as_str()?);
    match files.get_bytes(name.as_bytes()) {
        Some(Val::Bytes(bytes)) => Some((files, bytes)),
        Some(unread) => {
            miss(&unread);
            None
        }
        None => None,
    }
}

/// The text of a file, "" where there is none.
fn get(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let Some((_, bytes)) = bytes_of(args) else {
        return Ok(Val::from(""));
    };
    context.take_bytes(bytes.len() as u64)?;
    Ok(Val::Str(crate::gotmpl::GoStr::from_bytes(&bytes)))
}

fn get_bytes(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(bytes_of(args).map_or_else(|| Type::Bytes.zero(), |(_, bytes)| Val::Bytes(bytes)))
}

/// The files whose names match; a pattern that does not parse matches all.
fn glob(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [Val::Map(files), Val::Str(pattern)] = args else {
        return Ok(Val::Nil);
    };
    context.take_steps(files.len() as u64)?;
    let glob = Glob::gobwas(&pattern.to_text(), &['/']).ok();
    let entries = files.entries();
    let matching = entries
        .iter()
        .filter(|(name, _)| glob.as_ref().is_none_or(|g| g.matches(&name.to_text())));
    let matching = matching.cloned().collect();
    Ok(Val::Map(Map::named(&FILES, Type::Bytes, matching)))
}

/// A YAML map from base names to texts.
fn as_config(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    by_base_name(context, args, |bytes| {
        String::from_utf8_lossy(bytes).into_owned()
    })
}

/// The same with the texts in base64.
fn as_secrets(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    by_base_name(context, args, |bytes| {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    })
}

fn by_base_name(
    context: &mut Context<'_>,
    args: &[Val],
    text: impl Fn(&[u8]) -> String,
) -> Result<Val, Error> {
    let Some(files) = args.first().and_then(Val::as_map) else {
        return Ok(Val::from(""));
    };
    let mut map = value::Map::new();
    for (name, data) in files.entries().iter() {
        miss(data);
        if let Val::Bytes(bytes) = data {
            context.take_bytes(2 * bytes.len() as u64)?;
            let name = name.to_text();
            let base = name.rsplit('/').next().unwrap_or(&name);
            map.insert(base, text(bytes));
        }
    }
    let yaml = yaml::emit(&Value::Map(map));
    Ok(Val::from(yaml.trim_end_matches('\n')))
}

/// The lines of a file.
fn lines(context: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let Some((_, bytes)) = bytes_of(args) else {
        return Ok(Val::List(List::of(Type::Str, Vec::new())));
    };
    if bytes.is_empty() {
        return Err(Error::new("runtime error: index out of range [-1]"));
    }
    context.take_bytes(bytes.len() as u64)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let lines = text
        .split(|b| *b == b'\n')
        .map(|line| Val::Str(crate::gotmpl::GoStr::from_bytes(line)));
    Ok(Val::List(List::of(Type::Str, lines.collect())))
}
