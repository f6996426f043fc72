//! Operands by their kind, as Go's print.go goes through them.

use super::formatter::Formatter;
use crate::gotmpl::strconv::{RUNE_ERROR, append_rune, quote_rune};
use crate::gotmpl::{Error, GoStr, Kind, List, MAX_NESTING, Map, Object, Val};

#[derive(Default)]
pub(super) struct Printer {
    pub(super) fmt: Formatter,
    /// Printing the value of a wrong verb: methods are not called.
    erroring: bool,
    too_deep: bool,
    /// No `&` before the struct that a pointer points to.
    pub(super) follow_pointer: bool,
}

impl Printer {
    pub(super) fn finish(self) -> Result<GoStr, Error> {
        if self.too_deep {
            return Err(Error::new(format!(
                "cannot print a value that nests deeper than {MAX_NESTING} levels or holds itself"
            )));
        }
        Ok(self.fmt.out.into())
    }

    pub(super) fn print_arg(&mut self, arg: &Val, verb: char) {
        match (arg, verb) {
            (Val::Nil, 'T' | 'v') => self.fmt.pad(b"<nil>"),
            (_, 'T') => self.fmt.print_str(arg.type_name().as_bytes()),
            (_, 'p') => self.print_pointer(arg, verb),
            _ => self.print_value(arg, verb, 0),
        }
    }

    fn print_value(&mut self, value: &Val, verb: char, depth: usize) {
        if depth > MAX_NESTING {
            self.too_deep = true;
            return;
        }
        match value {
            // Inside a list or map a nil prints as such, whatever the verb.
            Val::Nil if depth > 0 => self.fmt.push(if self.fmt.flags.sharp_v {
                "interface {}(nil)"
            } else {
                "<nil>"
            }),
            Val::Nil => self.bad_verb(value, verb),
            Val::Bool(flag) => match verb {
                't' | 'v' => self.fmt.pad(if *flag { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Val::Int(number) | Val::Int64(number) => {
                self.print_integer(value, *number as u64, true, verb);
            }
            Val::Uint8(number) => self.print_integer(value, u64::from(*number), false, verb),
            Val::Uint64(number) => self.print_integer(value, *number, false, verb),
            Val::Float(number) => self.print_float(value, *number, verb),
            Val::Str(text) => self.print_string(value, text.as_bytes(), verb),
            Val::Bytes(bytes) => self.print_bytes(value, bytes, verb, depth),
            Val::List(list) => self.print_list(value, list, verb, depth),
            Val::Map(map) => self.print_map(value, map, verb, depth),
            Val::Object(object) => self.print_object(value, &**object, verb, depth),
        }
    }

    /// `%!verb(type=value)`
    fn bad_verb(&mut self, value: &Val, verb: char) {
        self.erroring = true;
        self.fmt.push(&format!("%!{verb}("));
        if value.is_nil() {
            self.fmt.push("<nil>");
        } else {
            self.fmt.push(&value.type_name());
            self.fmt.push("=");
            self.print_value(value, 'v', 0);
        }
        self.fmt.push(")");
        self.erroring = false;
    }

    fn print_integer(&mut self, value: &Val, number: u64, signed: bool, verb: char) {
        match verb {
            'v' if self.fmt.flags.sharp_v && !signed => self.fmt.hex_0x(number, true),
            'v' | 'd' => self.fmt.integer(number, 10, signed, verb, false),
            'b' => self.fmt.integer(number, 2, signed, verb, false),
            'o' | 'O' => self.fmt.integer(number, 8, signed, verb, false),
            'x' => self.fmt.integer(number, 16, signed, verb, false),
            'X' => self.fmt.integer(number, 16, signed, verb, true),
            'c' => {
                let mut text = Vec::new();
                append_rune(&mut text, rune_of(number));
                self.fmt.pad(&text);
            }
            'q' => {
                let text = quote_rune(rune_of(number), self.fmt.flags.plus);
                self.fmt.pad(text.as_bytes());
            }
            'U' => self.fmt.unicode(number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn print_float(&mut self, value: &Val, number: f64, verb: char) {
        let (format, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        self.fmt.float(number, format, precision);
    }

    fn print_string(&mut self, value: &Val, text: &[u8], verb: char) {
        match verb {
            'v' if self.fmt.flags.sharp_v => self.fmt.quoted(text),
            'v' | 's' => self.fmt.print_str(text),
            'x' => self.fmt.hex_string(text, false),
            'X' => self.fmt.hex_string(text, true),
            'q' => self.fmt.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn print_bytes(&mut self, value: &Val, bytes: &[u8], verb: char, depth: usize) {
        match verb {
            'v' | 'd' if self.fmt.flags.sharp_v => {
                self.fmt
                    .push(if depth == 0 { "[]byte{" } else { "[]uint8{" });
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.fmt.push(", ");
                    }
                    self.fmt.hex_0x(u64::from(*byte), true);
                }
                self.fmt.push("}");
            }
            's' => self.fmt.print_str(bytes),
            'x' => self.fmt.hex_string(bytes, false),
            'X' => self.fmt.hex_string(bytes, true),
            'q' => self.fmt.quoted(bytes),
            'p' => self.print_pointer(value, verb),
            _ => {
                self.fmt.push("[");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.fmt.push(" ");
                    }
                    self.print_value(&Val::Uint8(*byte), verb, depth + 1);
                }
                self.fmt.push("]");
            }
        }
    }

    fn print_list(&mut self, value: &Val, list: &List, verb: char, depth: usize) {
        if verb == 'w' && !self.erroring {
            return self.bad_verb(value, verb);
        }
        let sharp = self.fmt.flags.sharp_v;
        if sharp {
            self.fmt.push(&value.type_name());
            if list.is_nil() {
                return self.fmt.push("(nil)");
            }
        }
        self.fmt.push(if sharp { "{" } else { "[" });
        for (at, item) in list.items().iter().enumerate() {
            if at > 0 {
                self.fmt.push(if sharp { ", " } else { " " });
            }
            self.print_value(item, verb, depth + 1);
        }
        self.fmt.push(if sharp { "}" } else { "]" });
    }

    fn print_map(&mut self, value: &Val, map: &Map, verb: char, depth: usize) {
        if verb == 'w' && !self.erroring {
            return self.bad_verb(value, verb);
        }
        let sharp = self.fmt.flags.sharp_v;
        if sharp {
            self.fmt.push(&value.type_name());
            if map.is_nil() {
                return self.fmt.push("(nil)");
            }
            self.fmt.push("{");
        } else {
            self.fmt.push("map[");
        }
        for (at, (key, item)) in map.entries().iter().enumerate() {
            if at > 0 {
                self.fmt.push(if sharp { ", " } else { " " });
            }
            self.print_value(&Val::Str(key.clone()), verb, depth + 1);
            self.fmt.push(":");
            self.print_value(item, verb, depth + 1);
        }
        self.fmt.push(if sharp { "}" } else { "]" });
    }

    fn print_object(&mut self, value: &Val, object: &dyn Object, verb: char, depth: usize) {
        if !self.erroring {
            if verb == 'w' {
                return self.bad_verb(value, verb);
            }
            if let ('v' | 's' | 'x' | 'X' | 'q', false) = (verb, self.fmt.flags.sharp_v)
                && let Some(text) = object.stringer()
            {
                return self.print_string(value, text.as_bytes(), verb);
            }
        }
        if let Some((real, imaginary)) = object.complex() {
            return self.print_complex(value, real, imaginary, verb);
        }
        if object.kind() == Kind::Ptr {
            if depth > 0 {
                return self.print_pointer(value, verb);
            }
            if !self.follow_pointer {
                self.fmt.push("&");
            }
        }
        let flags = self.fmt.flags;
        if flags.sharp_v {
            self.fmt.push(object.type_name().trim_start_matches('*'));
        }
        self.fmt.push("{");
        for (at, (name, field)) in object.fields().iter().enumerate() {
            if at > 0 {
                self.fmt.push(if flags.sharp_v { ", " } else { " " });
            }
            if flags.plus_v || flags.sharp_v {
                self.fmt.push(name);
                self.fmt.push(":");
            }
            self.print_value(field, verb, depth + 1);
        }
        self.fmt.push("}");
    }

    fn print_complex(&mut self, value: &Val, real: f64, imaginary: f64, verb: char) {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            return self.bad_verb(value, verb);
        }
        let plus = self.fmt.flags.plus;
        self.fmt.push("(");
        self.print_float(value, real, verb);
        self.fmt.flags.plus = true;
        self.print_float(value, imaginary, verb);
        self.fmt.push("i)");
        self.fmt.flags.plus = plus;
    }

    fn print_pointer(&mut self, value: &Val, verb: char) {
        let address = match value {
            Val::List(list) => list.address(),
            Val::Map(map) => map.address(),
            Val::Bytes(bytes) => bytes.as_ptr() as usize,
            Val::Object(object) if object.kind() == Kind::Ptr => {
                std::rc::Rc::as_ptr(object).cast::<u8>() as usize
            }
            _ => return self.bad_verb(value, verb),
        };
        match verb {
            'p' | 'v' => self.fmt.hex_0x(address as u64, !self.fmt.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.print_integer(value, address as u64, false, verb),
            _ => self.bad_verb(value, verb),
        }
    }
}

fn rune_of(number: u64) -> u32 {
    match u32::try_from(number) {
        Ok(rune) if rune <= u32::from(char::MAX) => rune,
        _ => RUNE_ERROR,
    }
}
