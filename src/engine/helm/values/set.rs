//! `--set name1=value1,name2[0].x={a,b}` and its kin, as Helm's strvals parses
//! them, with its limits and its error texts.

use super::path::is_table;
use crate::gotmpl::{List, Map, Numbers, Val, strconv};
use crate::value::Value;

/// The highest index of a list (CVE-2022-36055).
pub const MAX_INDEX: i64 = 65_536;
/// How many dots a name may hold.
pub const MAX_NESTED_NAMES: usize = 30;
/// Lists of lists: ours, since the parser recurses.
const MAX_NESTED_LISTS: usize = 100;

/// An assignment that does not parse, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetError(String);

/// What stands behind the `=`.
pub enum Reading<'r> {
    /// `--set`: booleans, null, integers and lists are recognized.
    Typed,
    /// `--set-string`
    Text,
    /// `--set-literal`: the rest of the text, nothing is special in it.
    Literal,
    /// `--set-json`
    Json,
    /// `--set-file`: the name of a file; the function gives its text.
    File(&'r dyn Fn(&str) -> Result<Val, String>),
}

/// Lays the assignments of one `--set` text over `values`.
pub fn set(text: &str, values: &Map, reading: &Reading<'_>) -> Result<(), SetError> {
    let mut parser = Parser {
        rest: text,
        reading,
    };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Fault(text)) => return Err(SetError(text)),
        }
    }
}

struct Parser<'p> {
    rest: &'p str,
    reading: &'p Reading<'p>,
}

/// Why the parser stops: Go's io.EOF, or a fault.
enum Stop {
    End,
    Fault(String),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Stop::Fault(text)
    }
}

/// The text up to a stop character, and that character; `None` at the end.
type Upto = (String, Option<char>);

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn upto(&mut self, stops: &[char]) -> Upto {
        let escapes = !matches!(self.reading, Reading::Literal);
        let mut text = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (text, Some(c));
            }
            if c == '\\' && escapes {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => return (text, None),
                }
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    fn key(&mut self, into: &Map, n_dots: usize) -> Result<(), Stop> {
        let stops: &[char] = match self.reading {
            Reading::Literal => &['=', '[', '.'],
            _ => &['=', '[', ',', '.'],
        };
        let (key, stop) = self.upto(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => Err(format!("key {key:?} has no value").into()),
            Some('[') => {
                let index = self.index()?;
                let list = match into.get(&key) {
                    None => Vec::new(),
                    Some(Val::List(list)) => list.to_vec(),
                    Some(other) => return Err(wrong_type(&other, "[]interface {}")),
                };
                let mut list = Some(list);
                let result = self.list_item(&mut list, index, n_dots, 0);
                if let Some(list) = list {
                    assign(into, &key, Val::List(List::new(list)));
                }
                result
            }
            Some('=') => self.value_of(into, &key),
            Some(',') => {
                assign(into, &key, Val::from(""));
                Err(format!("key {key:?} has no value (cannot end with ,)").into())
            }
            Some(_) => {
                let n_dots = n_dots + 1;
                if n_dots > MAX_NESTED_NAMES {
                    return Err(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAMES}"
                    )
                    .into());
                }
                let inner = match into.get(&key) {
                    None => Map::new(),
                    Some(Val::Map(map)) if is_table(&map) => map,
                    Some(other) => return Err(wrong_type(&other, "map[string]interface {}")),
                };
                let result = self.key(&inner, n_dots);
                if result.is_ok() && inner.is_empty() {
                    return Err(format!("key map {key:?} has no value").into());
                }
                if !inner.is_empty() {
                    assign(into, &key, Val::Map(inner));
                }
                result
            }
        }
    }

    fn value_of(&mut self, into: &Map, key: &str) -> Result<(), Stop> {
        match self.reading {
            Reading::Literal => {
                let text = std::mem::take(&mut self.rest);
                assign(into, key, Val::from(text));
                Ok(())
            }
            Reading::Json => {
                let value = self.json()?;
                assign(into, key, value);
                Ok(())
            }
            Reading::Typed | Reading::Text | Reading::File(_) => {
                if self.rest.is_empty() {
                    assign(into, key, Val::from(""));
                    return Err(Stop::End);
                }
                let value = if self.rest.starts_with('{') {
                    self.list()?
                } else {
                    let (text, _) = self.upto(&[',']);
                    self.read(&text)?
                };
                assign(into, key, value);
                Ok(())
            }
        }
    }

    /// `None` stays `None` where Helm returns a nil list with its error.
    fn list_item(
        &mut self,
        list: &mut Option<Vec<Val>>,
        index: i64,
        n_dots: usize,
        n_lists: usize,
    ) -> Result<(), Stop> {
        if index < 0 {
            return Err(format!("negative {index} index not allowed").into());
        }
        if n_lists > MAX_NESTED_LISTS {
            return Err(format!("lists nest deeper than {MAX_NESTED_LISTS} levels").into());
        }
        let (text, stop) = self.upto(&['[', '.', '=']);
        if !text.is_empty() {
            let runes = text.chars().map(|c| strconv::quote_rune(c.into(), false));
            let runes: Vec<String> = runes.collect();
            let runes = runes.join(" ");
            return Err(format!("unexpected data at end of array index: [{runes}]").into());
        }
        let items = list.get_or_insert_default();
        let old = usize::try_from(index)
            .ok()
            .and_then(|at| items.get(at).cloned());
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let value = match self.reading {
                    Reading::Literal => Val::from(std::mem::take(&mut self.rest)),
                    Reading::Json => self.json()?,
                    _ if self.rest.is_empty() => Val::from(""),
                    _ if self.rest.starts_with('{') => self.list()?,
                    _ => {
                        let (text, _) = self.upto(&[',']);
                        self.read(&text)?
                    }
                };
                set_index(items, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match old {
                    None | Some(Val::Nil) => None,
                    Some(Val::List(inner)) => Some(inner.to_vec()),
                    Some(other) => return Err(wrong_type(&other, "[]interface {}")),
                };
                self.list_item(&mut inner, next, n_dots, n_lists + 1)?;
                let inner = List::new(inner.unwrap_or_default());
                set_index(items, index, Val::List(inner))
            }
            Some(_) => {
                let inner = match old {
                    Some(Val::Map(map)) if is_table(&map) => map,
                    _ => Map::new(),
                };
                self.key(&inner, n_dots)?;
                set_index(items, index, Val::Map(inner))
            }
        }
    }

    /// The number between `[` and `]`.
    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.upto(&[']']);
        if stop.is_none() {
            // Helm wraps the end of the text, and takes it for the end of all.
            return Err(Stop::End);
        }
        text.parse::<i64>().map_err(|error| {
            let problem = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                    "value out of range"
                }
                _ => "invalid syntax",
            };
            Stop::Fault(format!(
                "error parsing index: strconv.Atoi: parsing {text:?}: {problem}"
            ))
        })
    }

    /// `{a,b,c}`
    fn list(&mut self) -> Result<Val, Stop> {
        self.next();
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.upto(&[',', '}']);
            if stop.is_none() {
                return Err("list must terminate with '}'".to_owned().into());
            }
            items.push(self.read(&text)?);
            if stop == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Val::List(List::new(items)));
            }
        }
    }

    /// A JSON value and the comma behind it; null where there is none.
    fn json(&mut self) -> Result<Val, Stop> {
        if self.skip_blanks() {
            return Ok(Val::Nil);
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            None => return Err(Stop::End),
            Some(Err(error)) => return Err(error.to_string().into()),
            Some(Ok(value)) => value,
        };
        self.rest = &self.rest[stream.byte_offset()..];
        self.skip_blanks();
        Ok(Val::from_value(&value, Numbers::Float64))
    }

    /// Skips blanks and one comma; true at a comma or at the end.
    fn skip_blanks(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    fn read(&self, text: &str) -> Result<Val, Stop> {
        match self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::File(read) => read(text).map_err(Stop::Fault),
            Reading::Text | Reading::Literal | Reading::Json => Ok(Val::from(text)),
        }
    }
}

fn typed(text: &str) -> Val {
    if text.eq_ignore_ascii_case("true") {
        return Val::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Val::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Val::Nil;
    }
    if text == "0" {
        return Val::Int64(0);
    }
    match text.parse::<i64>() {
        Ok(number) if !text.starts_with('0') => Val::Int64(number),
        _ => Val::from(text),
    }
}

/// An empty key sets nothing.
fn assign(into: &Map, key: &str, value: Val) {
    if !key.is_empty() {
        into.insert(key, value);
    }
}

fn set_index(items: &mut Vec<Val>, index: i64, value: Val) -> Result<(), Stop> {
    if index > MAX_INDEX {
        return Err(format!(
            "index of {index} is greater than maximum supported index of {MAX_INDEX}"
        )
        .into());
    }
    let at = usize::try_from(index).map_err(|_| format!("negative {index} index not allowed"))?;
    if items.len() <= at {
        items.resize(at + 1, Val::Nil);
    }
    items[at] = value;
    Ok(())
}

/// The panic of a Go type assertion, which Helm's parser turns into an error.
fn wrong_type(value: &Val, wanted: &str) -> Stop {
    let found = match value {
        Val::Nil => "nil".to_owned(),
        other => other.type_name().into_owned(),
    };
    Stop::Fault(format!(
        "unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}
