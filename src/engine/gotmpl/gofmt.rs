//! Go's fmt: `Sprintf`, `Sprint`, `Sprintln` with all verbs, flags and the
//! `%!d(string=hi)` texts of wrong ones.

use super::number::format_float;
use super::strconv::{
    RUNE_ERROR, append_rune, can_backquote, decode_rune, quote, quote_rune, quote_to_ascii,
    rune_count,
};
use super::unicode::is_print;
use super::{Error, GoStr, Kind, List, MAX_NESTING, Map, Object, Val};

/// `fmt.Sprintf`. Fails only on values that hold themselves.
pub fn sprintf(format: &[u8], args: &[Val]) -> Result<GoStr, Error> {
    let mut printer = Printer::default();
    printer.print_format(format, args);
    printer.finish()
}

/// `fmt.Sprint`: spaces between operands of which neither is a string.
pub fn sprint(args: &[Val]) -> Result<GoStr, Error> {
    let mut printer = Printer::default();
    let mut after_string = false;
    for (at, arg) in args.iter().enumerate() {
        let is_string = arg.kind() == Kind::String;
        if at > 0 && !is_string && !after_string {
            printer.out.push(b' ');
        }
        printer.print_arg(arg, 'v');
        after_string = is_string;
    }
    printer.finish()
}

/// `fmt.Sprintln`
pub fn sprintln(args: &[Val]) -> Result<GoStr, Error> {
    let mut printer = Printer::default();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            printer.out.push(b' ');
        }
        printer.print_arg(arg, 'v');
    }
    printer.out.push(b'\n');
    printer.finish()
}

/// Appends what `fmt.Fprint(w, value)` writes.
pub fn print_to(out: &mut Vec<u8>, value: &Val) -> Result<(), Error> {
    let mut printer = Printer {
        out: std::mem::take(out),
        ..Printer::default()
    };
    printer.print_arg(value, 'v');
    *out = std::mem::take(&mut printer.out);
    printer.finish()?;
    Ok(())
}

/// Appends what a template prints for a value: `fmt.Fprint`, but pointers are
/// followed and methods of the address count.
pub(super) fn print_value_to(out: &mut Vec<u8>, value: &Val) -> Result<(), Error> {
    let mut printer = Printer {
        out: std::mem::take(out),
        ..Printer::default()
    };
    match value {
        Val::Object(object) => match object.stringer().or_else(|| object.stringer_of_address()) {
            Some(text) => printer.push(&text),
            None => {
                printer.follow_pointer = true;
                printer.print_arg(value, 'v');
            }
        },
        _ => printer.print_arg(value, 'v'),
    }
    *out = std::mem::take(&mut printer.out);
    printer.finish()?;
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    plus_v: bool,
    sharp_v: bool,
}

#[derive(Default)]
struct Printer {
    out: Vec<u8>,
    flags: Flags,
    /// Printing the value of a wrong verb: methods are not called.
    erroring: bool,
    too_deep: bool,
    /// No `&` before the struct that a pointer points to.
    follow_pointer: bool,
}

/// Widths, precisions and argument numbers beyond it are refused by Go too.
const MAX_NUMBER: i64 = 1_000_000;

/// The cursor over a format's verbs.
struct Verbs<'a> {
    format: &'a [u8],
    at: usize,
    arg: usize,
    n_args: usize,
    reordered: bool,
    good_arg: bool,
    after_index: bool,
}

impl Verbs<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Digits from here on, where there are any. A crazy number swallows the rest.
    fn number(&mut self) -> Option<usize> {
        let (number, end) = parse_number(self.format, self.at, self.format.len());
        self.at = end;
        number
    }

    /// An argument index such as `[2]`.
    fn argument_index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = rest.iter().position(|c| *c == b']');
        let (index, width) = match close {
            Some(close) if rest.len() >= 3 => {
                let (number, end) = parse_number(rest, 1, close);
                let index = number.filter(|_| end == close);
                (index, close + 1)
            }
            _ => (None, 1),
        };
        self.at += width;
        match index {
            Some(index) if (1..=self.n_args).contains(&index) => {
                self.arg = index - 1;
                self.after_index = true;
            }
            Some(_) => {
                self.good_arg = false;
                self.after_index = true;
            }
            None => self.good_arg = false,
        }
    }
}

/// The number in `text[start..end]` and where it ends; none where there is no
/// digit or where it is crazy long, which swallows everything.
fn parse_number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let (mut number, mut at, mut found) = (0_i64, start, false);
    while at < end && text[at].is_ascii_digit() {
        if number > MAX_NUMBER {
            return (None, end);
        }
        number = number * 10 + i64::from(text[at] - b'0');
        found = true;
        at += 1;
    }
    (
        found.then(|| usize::try_from(number).unwrap_or_default()),
        at.max(start.min(end)),
    )
}

/// An operand of `*`, and whether it is one.
fn star_number(args: &[Val], verbs: &mut Verbs<'_>) -> Option<i64> {
    let number = args.get(verbs.arg)?;
    verbs.arg += 1;
    let number = match number {
        Val::Uint64(number) => i64::try_from(*number).ok()?,
        other => other.as_int()?,
    };
    (-MAX_NUMBER..=MAX_NUMBER)
        .contains(&number)
        .then_some(number)
}

impl Printer {
    fn finish(self) -> Result<GoStr, Error> {
        if self.too_deep {
            return Err(Error::new(format!(
                "cannot print a value that nests deeper than {MAX_NESTING} levels or holds itself"
            )));
        }
        Ok(self.out.into())
    }

    fn print_format(&mut self, format: &[u8], args: &[Val]) {
        let mut verbs = Verbs {
            format,
            at: 0,
            arg: 0,
            n_args: args.len(),
            reordered: false,
            good_arg: true,
            after_index: false,
        };
        while verbs.at < format.len() {
            verbs.good_arg = true;
            let rest = &format[verbs.at..];
            let text = rest.iter().position(|c| *c == b'%').unwrap_or(rest.len());
            self.out.extend_from_slice(&rest[..text]);
            verbs.at += text;
            if verbs.at >= format.len() {
                break;
            }
            verbs.at += 1;
            self.print_verb(&mut verbs, args);
        }
        if !verbs.reordered && verbs.arg < args.len() {
            self.flags = Flags::default();
            self.push("%!(EXTRA ");
            for (at, arg) in args[verbs.arg..].iter().enumerate() {
                if at > 0 {
                    self.push(", ");
                }
                if arg.is_nil() {
                    self.push("<nil>");
                } else {
                    self.push(&arg.type_name());
                    self.push("=");
                    self.print_arg(arg, 'v');
                }
            }
            self.push(")");
        }
    }

    /// One verb, its `%` is past.
    fn print_verb(&mut self, verbs: &mut Verbs<'_>, args: &[Val]) {
        self.flags = Flags::default();
        while let Some(flag) = verbs.peek() {
            match flag {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            verbs.at += 1;
        }
        verbs.argument_index();
        self.width(verbs, args);
        self.precision(verbs, args);
        if !verbs.after_index {
            verbs.argument_index();
        }
        if verbs.at >= verbs.format.len() {
            self.push("%!(NOVERB)");
            return;
        }
        let (rune, size) = decode_rune(&verbs.format[verbs.at..]);
        verbs.at += size;
        let verb = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
        if verb == '%' {
            self.out.push(b'%');
        } else if !verbs.good_arg {
            self.push(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(arg) = args.get(verbs.arg) {
            if matches!(verb, 'v' | 'w') {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.print_arg(arg, verb);
            verbs.arg += 1;
        } else {
            self.push(&format!("%!{verb}(MISSING)"));
        }
    }

    fn width(&mut self, verbs: &mut Verbs<'_>, args: &[Val]) {
        if verbs.peek() == Some(b'*') {
            verbs.at += 1;
            match star_number(args, verbs) {
                Some(number) => {
                    self.flags.width = Some(number.unsigned_abs() as usize);
                    if number < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
                None => self.push("%!(BADWIDTH)"),
            }
            verbs.after_index = false;
        } else {
            self.flags.width = verbs.number();
            if verbs.after_index && self.flags.width.is_some() {
                verbs.good_arg = false;
            }
        }
    }

    fn precision(&mut self, verbs: &mut Verbs<'_>, args: &[Val]) {
        if verbs.peek() != Some(b'.') || verbs.at + 1 >= verbs.format.len() {
            return;
        }
        verbs.at += 1;
        if verbs.after_index {
            verbs.good_arg = false;
        }
        verbs.argument_index();
        if verbs.peek() == Some(b'*') {
            verbs.at += 1;
            match star_number(args, verbs) {
                Some(number @ 0..) => self.flags.precision = Some(number as usize),
                Some(_) | None => self.push("%!(BADPREC)"),
            }
            verbs.after_index = false;
        } else {
            self.flags.precision = Some(verbs.number().unwrap_or_default());
        }
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn print_arg(&mut self, arg: &Val, verb: char) {
        match (arg, verb) {
            (Val::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (_, 'T') => self.print_str(arg.type_name().as_bytes()),
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
            Val::Nil if depth > 0 => self.push(if self.flags.sharp_v {
                "interface {}(nil)"
            } else {
                "<nil>"
            }),
            Val::Nil => self.bad_verb(value, verb),
            Val::Bool(flag) => match verb {
                't' | 'v' => self.pad(if *flag { b"true" } else { b"false" }),
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
        self.push(&format!("%!{verb}("));
        if value.is_nil() {
            self.push("<nil>");
        } else {
            self.push(&value.type_name());
            self.push("=");
            self.print_value(value, 'v', 0);
        }
        self.push(")");
        self.erroring = false;
    }

    fn print_integer(&mut self, value: &Val, number: u64, signed: bool, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hex_0x(number, true),
            'v' | 'd' => self.integer(number, 10, signed, verb, false),
            'b' => self.integer(number, 2, signed, verb, false),
            'o' | 'O' => self.integer(number, 8, signed, verb, false),
            'x' => self.integer(number, 16, signed, verb, false),
            'X' => self.integer(number, 16, signed, verb, true),
            'c' => {
                let mut text = Vec::new();
                append_rune(&mut text, rune_of(number));
                self.pad(&text);
            }
            'q' => {
                let text = quote_rune(rune_of(number), self.flags.plus);
                self.pad(text.as_bytes());
            }
            'U' => self.unicode(number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn hex_0x(&mut self, number: u64, leading: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, leading);
        self.integer(number, 16, false, 'v', false);
        self.flags.sharp = sharp;
    }

    fn integer(&mut self, number: u64, base: u64, signed: bool, verb: char, upper: bool) {
        let negative = signed && (number as i64) < 0;
        let mut rest = if negative {
            number.wrapping_neg()
        } else {
            number
        };
        let flags = self.flags;
        let mut precision = 0;
        match (flags.precision, flags.width) {
            (Some(0), width) if rest == 0 => {
                self.spaces(width.unwrap_or_default());
                return;
            }
            (Some(wanted), _) => precision = wanted,
            (None, Some(width)) if flags.zero && !flags.minus => {
                precision = width;
                if negative || flags.plus || flags.space {
                    precision = precision.saturating_sub(1);
                }
            }
            (None, _) => {}
        }
        // Built from the last digit on.
        let mut text = Vec::with_capacity(24);
        loop {
            let digit = char::from_digit((rest % base) as u32, 16).unwrap_or('0');
            text.push(if upper {
                digit.to_ascii_uppercase() as u8
            } else {
                digit as u8
            });
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while text.len() < precision {
            text.push(b'0');
        }
        if flags.sharp {
            match base {
                2 => text.extend(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend(if upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if flags.plus {
            text.push(b'+');
        } else if flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_with_spaces(&text);
    }

    /// `U+0078 'x'`
    fn unicode(&mut self, number: u64) {
        let digits = self.flags.precision.unwrap_or_default().max(4);
        let mut text = format!("U+{number:0digits$X}");
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        if let (true, Some(character)) = (self.flags.sharp, character)
            && is_print(u32::from(character))
        {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_with_spaces(text.as_bytes());
    }

    fn print_float(&mut self, value: &Val, number: f64, verb: char) {
        let (format, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        self.float(number, format, precision);
    }

    fn float(&mut self, number: f64, format: u8, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut text = format_float(number, format, precision).into_bytes();
        if !matches!(text.first(), Some(b'-' | b'+')) {
            text.insert(0, b'+');
        }
        if flags.space && text[0] == b'+' && !flags.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            if text[1] == b'N' && !flags.space && !flags.plus {
                text.remove(0);
            }
            return self.pad_with_spaces(&text);
        }
        if flags.sharp && format != b'b' {
            text = sharp_float(text, format, precision);
        }
        if flags.plus || text[0] != b'+' {
            if let (true, false, Some(width)) = (flags.zero, flags.minus, flags.width)
                && width > text.len()
            {
                self.out.push(text[0]);
                self.fill(width - text.len());
                self.out.extend_from_slice(&text[1..]);
                return;
            }
            return self.pad(&text);
        }
        self.pad(&text[1..]);
    }

    fn print_string(&mut self, value: &Val, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.print_str(text),
            'x' => self.hex_string(text, false),
            'X' => self.hex_string(text, true),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn print_str(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        self.pad(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncate(text);
        if self.flags.sharp && can_backquote(text) {
            let raw = [b"`", text, b"`"].concat();
            return self.pad(&raw);
        }
        let quoted = if self.flags.plus {
            quote_to_ascii(text)
        } else {
            quote(text)
        };
        self.pad(quoted.as_bytes());
    }

    fn hex_string(&mut self, text: &[u8], upper: bool) {
        let flags = self.flags;
        let length = text.len().min(flags.precision.unwrap_or(usize::MAX));
        if length == 0 {
            self.fill(flags.width.unwrap_or_default());
            return;
        }
        let mut hex = Vec::with_capacity(2 * length + 2);
        let prefix = if upper { b"0X" } else { b"0x" };
        for (at, byte) in text[..length].iter().enumerate() {
            if at > 0 && flags.space {
                hex.push(b' ');
            }
            if flags.sharp && (at == 0 || flags.space) {
                hex.extend_from_slice(prefix);
            }
            let pair = if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            };
            hex.extend_from_slice(pair.as_bytes());
        }
        self.pad(&hex);
    }

    fn print_bytes(&mut self, value: &Val, bytes: &[u8], verb: char, depth: usize) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.push(if depth == 0 { "[]byte{" } else { "[]uint8{" });
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.push(", ");
                    }
                    self.hex_0x(u64::from(*byte), true);
                }
                self.push("}");
            }
            's' => self.print_str(bytes),
            'x' => self.hex_string(bytes, false),
            'X' => self.hex_string(bytes, true),
            'q' => self.quoted(bytes),
            'p' => self.print_pointer(value, verb),
            _ => {
                self.push("[");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.push(" ");
                    }
                    self.print_value(&Val::Uint8(*byte), verb, depth + 1);
                }
                self.push("]");
            }
        }
    }

    fn print_list(&mut self, value: &Val, list: &List, verb: char, depth: usize) {
        if verb == 'w' && !self.erroring {
            return self.bad_verb(value, verb);
        }
        let sharp = self.flags.sharp_v;
        if sharp {
            self.push(&value.type_name());
            if list.is_nil() {
                return self.push("(nil)");
            }
        }
        self.push(if sharp { "{" } else { "[" });
        for (at, item) in list.items().iter().enumerate() {
            if at > 0 {
                self.push(if sharp { ", " } else { " " });
            }
            self.print_value(item, verb, depth + 1);
        }
        self.push(if sharp { "}" } else { "]" });
    }

    fn print_map(&mut self, value: &Val, map: &Map, verb: char, depth: usize) {
        if verb == 'w' && !self.erroring {
            return self.bad_verb(value, verb);
        }
        let sharp = self.flags.sharp_v;
        if sharp {
            self.push(&value.type_name());
            if map.is_nil() {
                return self.push("(nil)");
            }
            self.push("{");
        } else {
            self.push("map[");
        }
        for (at, (key, item)) in map.entries().iter().enumerate() {
            if at > 0 {
                self.push(if sharp { ", " } else { " " });
            }
            self.print_value(&Val::Str(key.clone()), verb, depth + 1);
            self.push(":");
            self.print_value(item, verb, depth + 1);
        }
        self.push(if sharp { "}" } else { "]" });
    }

    fn print_object(&mut self, value: &Val, object: &dyn Object, verb: char, depth: usize) {
        if !self.erroring {
            if verb == 'w' {
                return self.bad_verb(value, verb);
            }
            if let ('v' | 's' | 'x' | 'X' | 'q', false) = (verb, self.flags.sharp_v)
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
                self.push("&");
            }
        }
        let flags = self.flags;
        if flags.sharp_v {
            self.push(object.type_name().trim_start_matches('*'));
        }
        self.push("{");
        for (at, (name, field)) in object.fields().iter().enumerate() {
            if at > 0 {
                self.push(if flags.sharp_v { ", " } else { " " });
            }
            if flags.plus_v || flags.sharp_v {
                self.push(name);
                self.push(":");
            }
            self.print_value(field, verb, depth + 1);
        }
        self.push("}");
    }

    fn print_complex(&mut self, value: &Val, real: f64, imaginary: f64, verb: char) {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.push("(");
        self.print_float(value, real, verb);
        self.flags.plus = true;
        self.print_float(value, imaginary, verb);
        self.push("i)");
        self.flags.plus = plus;
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
            'p' | 'v' => self.hex_0x(address as u64, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.print_integer(value, address as u64, false, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    /// The text up to the precision, in runes.
    fn truncate<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let mut at = 0;
        for _ in 0..precision {
            if at >= text.len() {
                break;
            }
            at += decode_rune(&text[at..]).1;
        }
        &text[..at.min(text.len())]
    }

    fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width else {
            return self.out.extend_from_slice(text);
        };
        let missing = width.saturating_sub(rune_count(text));
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.fill(missing);
        } else {
            self.fill(missing);
            self.out.extend_from_slice(text);
        }
    }

    /// `pad`, with spaces even where zeros are asked for.
    fn pad_with_spaces(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn spaces(&mut self, n: usize) {
        self.out.resize(self.out.len() + n, b' ');
    }

    fn fill(&mut self, n: usize) {
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.out.resize(self.out.len() + n, byte);
    }
}

fn rune_of(number: u64) -> u32 {
    match u32::try_from(number) {
        Ok(rune) if rune <= u32::from(char::MAX) => rune,
        _ => RUNE_ERROR,
    }
}

/// What `%#g` and its like add: the point and the digits up to the precision.
fn sharp_float(mut text: Vec<u8>, format: u8, precision: Option<usize>) -> Vec<u8> {
    let mut missing = match format {
        b'g' | b'G' | b'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let mut tail = Vec::new();
    let (mut point, mut significant, mut at) = (false, false, 1);
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'.' => point = true,
            b'p' | b'P' => tail = text.split_off(at),
            b'e' | b'E' if !matches!(format, b'x' | b'X') => tail = text.split_off(at),
            _ => {
                significant |= byte != b'0';
                missing -= i64::from(significant);
            }
        }
        at += 1;
    }
    if !point {
        if text.len() == 2 && text[1] == b'0' {
            missing -= 1;
        }
        text.push(b'.');
    }
    text.extend(std::iter::repeat_n(b'0', missing.max(0) as usize));
    text.extend(tail);
    text
}
