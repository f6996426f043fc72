//! A format's verbs: flags, width, precision and argument index of each, and
//! the texts of formats that are wrong.

use super::formatter::Flags;
use super::printer::Printer;
use crate::gotmpl::Val;
use crate::gotmpl::strconv::decode_rune;

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

impl Printer {
    pub(super) fn print_format(&mut self, format: &[u8], args: &[Val]) {
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
            self.fmt.out.extend_from_slice(&rest[..text]);
            verbs.at += text;
            if verbs.at >= format.len() {
                break;
            }
            verbs.at += 1;
            self.print_verb(&mut verbs, args);
        }
        if !verbs.reordered && verbs.arg < args.len() {
            self.fmt.flags = Flags::default();
            self.fmt.push("%!(EXTRA ");
            for (at, arg) in args[verbs.arg..].iter().enumerate() {
                if at > 0 {
                    self.fmt.push(", ");
                }
                if arg.is_nil() {
                    self.fmt.push("<nil>");
                } else {
                    self.fmt.push(&arg.type_name());
                    self.fmt.push("=");
                    self.print_arg(arg, 'v');
                }
            }
            self.fmt.push(")");
        }
    }

    /// One verb, its `%` is past.
    fn print_verb(&mut self, verbs: &mut Verbs<'_>, args: &[Val]) {
        self.fmt.flags = Flags::default();
        while let Some(flag) = verbs.peek() {
            match flag {
                b'#' => self.fmt.flags.sharp = true,
                b'0' => self.fmt.flags.zero = true,
                b'+' => self.fmt.flags.plus = true,
                b'-' => self.fmt.flags.minus = true,
                b' ' => self.fmt.flags.space = true,
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
            self.fmt.push("%!(NOVERB)");
            return;
        }
        let (rune, size) = decode_rune(&verbs.format[verbs.at..]);
        verbs.at += size;
        let verb = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
        if verb == '%' {
            self.fmt.out.push(b'%');
        } else if !verbs.good_arg {
            self.fmt.push(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(arg) = args.get(verbs.arg) {
            if matches!(verb, 'v' | 'w') {
                self.fmt.flags.sharp_v = std::mem::take(&mut self.fmt.flags.sharp);
                self.fmt.flags.plus_v = std::mem::take(&mut self.fmt.flags.plus);
            }
            self.print_arg(arg, verb);
            verbs.arg += 1;
        } else {
            self.fmt.push(&format!("%!{verb}(MISSING)"));
        }
    }

    fn width(&mut self, verbs: &mut Verbs<'_>, args: &[Val]) {
        if verbs.peek() == Some(b'*') {
            verbs.at += 1;
            match star_number(args, verbs) {
                Some(number) => {
                    self.fmt.flags.width = Some(number.unsigned_abs() as usize);
                    if number < 0 {
                        self.fmt.flags.minus = true;
                        self.fmt.flags.zero = false;
                    }
                }
                None => self.fmt.push("%!(BADWIDTH)"),
            }
            verbs.after_index = false;
        } else {
            self.fmt.flags.width = verbs.number();
            if verbs.after_index && self.fmt.flags.width.is_some() {
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
                Some(number @ 0..) => self.fmt.flags.precision = Some(number as usize),
                Some(_) | None => self.fmt.push("%!(BADPREC)"),
            }
            verbs.after_index = false;
        } else {
            self.fmt.flags.precision = Some(verbs.number().unwrap_or_default());
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
