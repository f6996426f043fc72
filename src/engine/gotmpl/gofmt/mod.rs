//! Go's fmt: `Sprintf`, `Sprint`, `Sprintln` with all verbs, flags and the
//! `%!d(string=hi)` texts of wrong ones.
//!
//! ```text
//! format, operands -> verbs: flags, width, precision, which operand
//!                       '-> printer: by the operand's kind
//!                              '-> formatter: digits, quotes, padding
//! ```

mod verbs;

mod printer;

mod formatter;

use super::{Error, GoStr, Kind, Val};
use printer::Printer;

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
            printer.fmt.out.push(b' ');
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
            printer.fmt.out.push(b' ');
        }
        printer.print_arg(arg, 'v');
    }
    printer.fmt.out.push(b'\n');
    printer.finish()
}

/// Appends what `fmt.Fprint(w, value)` writes.
pub fn print_to(out: &mut Vec<u8>, value: &Val) -> Result<(), Error> {
    let mut printer = Printer::default();
    printer.fmt.out = std::mem::take(out);
    printer.print_arg(value, 'v');
    *out = std::mem::take(&mut printer.fmt.out);
    printer.finish()?;
    Ok(())
}

/// Appends what a template prints for a value: `fmt.Fprint`, but pointers are
/// followed and methods of the address count.
pub(super) fn print_value_to(out: &mut Vec<u8>, value: &Val) -> Result<(), Error> {
    let mut printer = Printer::default();
    printer.fmt.out = std::mem::take(out);
    match value {
        Val::Object(object) => match object.stringer().or_else(|| object.stringer_of_address()) {
            Some(text) => printer.fmt.push(&text),
            None => {
                printer.follow_pointer = true;
                printer.print_arg(value, 'v');
            }
        },
        _ => printer.print_arg(value, 'v'),
    }
    *out = std::mem::take(&mut printer.fmt.out);
    printer.finish()?;
    Ok(())
}
