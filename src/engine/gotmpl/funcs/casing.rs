//! Letter case of strings: Go's strings and unicode, goutils, and the word
//! splitting of xstrings 1.5 for snake, kebab and camel case.

use super::args::{bytes, text};
use super::letters::{
    is_lower, is_number, is_punct, is_space, is_title, is_upper, to_lower, to_title, to_upper,
};
use crate::gotmpl::strconv::{RUNE_ERROR, append_rune, decode_rune};
use crate::gotmpl::unicode::{is_digit, is_letter};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, Type, Val};

use Type::Str;

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("upper", &[Str], Str, upper),
    FuncDef::new("lower", &[Str], Str, lower),
    FuncDef::new("title", &[Str], Str, title),
    FuncDef::new("untitle", &[Str], Str, untitle),
    FuncDef::new("swapcase", &[Str], Str, swap_case),
    FuncDef::new("camelcase", &[Str], Str, camel_case),
    FuncDef::new("snakecase", &[Str], Str, |_, args| {
        Ok(Val::Str(connected(bytes(args, 0), b'_')))
    }),
    FuncDef::new("kebabcase", &[Str], Str, |_, args| {
        Ok(Val::Str(connected(bytes(args, 0), b'-')))
    }),
];

/// The runes of a string; a byte that is not UTF-8 is U+FFFD.
pub(super) fn runes(mut text: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let (rune, width) = decode_rune(text);
        text = &text[width..];
        (width > 0).then_some(rune)
    })
}

fn collect(runes: impl Iterator<Item = u32>) -> GoStr {
    let mut out = Vec::new();
    runes.for_each(|rune| append_rune(&mut out, rune));
    out.into()
}

/// `strings.Map`: a string whose runes all stay is given back with its bytes,
/// otherwise each byte that is not UTF-8 becomes U+FFFD.
fn map_runes(of: &GoStr, mut change: impl FnMut(u32) -> u32) -> GoStr {
    let all = of.as_bytes();
    let mut out = Vec::with_capacity(all.len());
    let (mut rest, mut changed) = (all, false);
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        let to = change(rune);
        // A stray byte is not U+FFFD, which has three.
        changed |= to != rune || rune == RUNE_ERROR && width == 1;
        append_rune(&mut out, to);
        rest = &rest[width..];
    }
    if changed { out.into() } else { of.clone() }
}

fn upper(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let text = text(args, 0);
    if text.as_bytes().is_ascii() {
        return Ok(Val::Str(text.as_bytes().to_ascii_uppercase().into()));
    }
    Ok(Val::Str(map_runes(text, to_upper)))
}

fn lower(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let text = text(args, 0);
    if text.as_bytes().is_ascii() {
        return Ok(Val::Str(text.as_bytes().to_ascii_lowercase().into()));
    }
    Ok(Val::Str(map_runes(text, to_lower)))
}

fn title(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut before = u32::from(' ');
    let titled = map_runes(text(args, 0), |rune| {
        let starts_word = is_separator(before);
        before = rune;
        if starts_word { to_title(rune) } else { rune }
    });
    Ok(Val::Str(titled))
}

/// What `strings.Title` takes for the end of a word.
fn is_separator(rune: u32) -> bool {
    match u8::try_from(rune) {
        Ok(byte) if byte < 0x80 => !byte.is_ascii_alphanumeric() && byte != b'_',
        _ => !is_letter(rune) && !is_digit(rune) && is_space(rune),
    }
}

fn untitle(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut starts_word = true;
    let changed = runes(bytes(args, 0)).map(|rune| {
        if is_space(rune) {
            starts_word = true;
            rune
        } else if std::mem::take(&mut starts_word) {
            to_lower(rune)
        } else {
            rune
        }
    });
    Ok(Val::Str(collect(changed)))
}

fn swap_case(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut after_space = true;
    let changed = runes(bytes(args, 0)).map(|rune| {
        if is_upper(rune) || is_title(rune) {
            after_space = false;
            to_lower(rune)
        } else if is_lower(rune) {
            if std::mem::take(&mut after_space) {
                to_title(rune)
            } else {
                to_upper(rune)
            }
        } else {
            after_space = is_space(rune);
            rune
        }
    });
    Ok(Val::Str(collect(changed)))
}

fn is_connector(rune: u32) -> bool {
    rune == u32::from('-') || rune == u32::from('_') || is_space(rune)
}

/// `xstrings.ToPascalCase`
fn camel_case(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let mut out = Vec::new();
    let mut rest = runes(bytes(args, 0)).peekable();
    // Connectors in front stay.
    let mut current = loop {
        match rest.next() {
            None => return Ok(Val::Str(out.into())),
            Some(rune) if is_connector(rune) => {
                append_rune(&mut out, rune);
                if rest.peek().is_none() {
                    // The last rune is written once more, as it always was.
                    append_rune(&mut out, rune);
                    return Ok(Val::Str(out.into()));
                }
            }
            Some(rune) => break rune,
        }
    };
    let mut first_is_upper = is_upper(current);
    current = to_upper(current);
    for rune in rest {
        let before = std::mem::replace(&mut current, rune);
        if is_connector(current) && is_connector(before) {
            append_rune(&mut out, before);
        } else if is_connector(before) {
            first_is_upper = is_upper(current);
            current = to_upper(current);
        } else {
            if first_is_upper {
                if is_upper(current) {
                    current = to_lower(current);
                } else {
                    first_is_upper = false;
                }
            }
            append_rune(&mut out, before);
        }
    }
    append_rune(&mut out, current);
    Ok(Val::Str(out.into()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`.
fn connected(text: &[u8], connector: u8) -> GoStr {
    let mut out = Vec::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                while kind == Word::Alphabet || kind == Word::Number {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Punct | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => push_lower(&mut out, before, last, connector),
            Word::Punct => {}
            Word::None | Word::Upper | Word::Alphabet | Word::Other => {
                if kind != Word::Number {
                    if kind != Word::Connector && kind != Word::Punct {
                        out.push(connector);
                    }
                    continue;
                }
                if rest.is_empty() {
                    continue;
                }
                let number = word;
                (kind, word, rest) = next_word(rest);
                // A number belongs to the word before it: "Bld4Floor".
                if kind != Word::Alphabet {
                    push_lower(&mut out, Word::Number, number, connector);
                    if kind != Word::Connector && kind != Word::Punct {
                        out.push(connector);
                    }
                    continue;
                }
                // Unless lower case letters follow: "HTTP2xx".
                out.push(connector);
                push_lower(&mut out, Word::Number, number, connector);
                while kind == Word::Alphabet || kind == Word::Number {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out.into()
}

fn push_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: u8) {
    if kind != Word::Upper && kind != Word::Connector {
        out.extend_from_slice(word);
        return;
    }
    for rune in runes(word) {
        if is_connector(rune) {
            out.push(connector);
        } else if is_upper(rune) {
            append_rune(out, to_lower(rune));
        } else {
            append_rune(out, rune);
        }
    }
}

/// Letters, but for those of Chinese and its kin.
fn is_alphabet(rune: u32) -> bool {
    is_letter(rune) && !matches!(rune, 0x4e00..=0x9fcc | 0x3400..=0x4d85 | 0x20000..=0x2b81d)
}

/// The next rune that is one, and what it takes with the bytes before it that
/// are none; `before` where there is none left.
fn next_valid_rune(mut text: &[u8], before: u32) -> (u32, usize) {
    let mut size = 0;
    while !text.is_empty() {
        let (rune, width) = decode_rune(text);
        size += width;
        if rune != RUNE_ERROR {
            return (rune, size);
        }
        text = &text[width..];
    }
    (before, size)
}

fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::None, text, text);
    }
    let (first, size) = next_valid_rune(text, RUNE_ERROR);
    let mut end = size;
    if first == RUNE_ERROR {
        return (Word::None, &text[..end], &text[end..]);
    }
    let lower_alphabet = |rune: u32| is_alphabet(rune) && !is_upper(rune);
    let kind = if is_connector(first) {
        end = run_end(text, end, first, is_connector);
        Word::Connector
    } else if is_punct(first) {
        end = run_end(text, end, first, is_punct);
        Word::Punct
    } else if is_upper(first) {
        end = upper_end(text, end, first, lower_alphabet);
        Word::Upper
    } else if is_alphabet(first) {
        end = run_end(text, end, first, lower_alphabet);
        Word::Alphabet
    } else if is_number(first) {
        end = run_end(text, end, first, is_number);
        Word::Number
    } else {
        end = run_end(text, end, first, |rune| {
            !(is_connector(rune) || is_alphabet(rune) || is_number(rune) || is_punct(rune))
        });
        Word::Other
    };
    (kind, &text[..end], &text[end..])
}

/// Where the run of such runes ends that began before `end`.
fn run_end(text: &[u8], mut end: usize, first: u32, wanted: impl Fn(u32) -> bool) -> usize {
    let mut rune = first;
    while end < text.len() {
        let size;
        (rune, size) = next_valid_rune(&text[end..], rune);
        if !wanted(rune) {
            break;
        }
        end += size;
    }
    end
}

/// "Status", or "HTTP" of "HTTPStatus": the last capital before lower case
/// letters belongs to the next word.
fn upper_end(text: &[u8], mut end: usize, first: u32, lower: impl Fn(u32) -> bool) -> usize {
    if end == text.len() {
        return end;
    }
    let (mut rune, size) = next_valid_rune(&text[end..], first);
    if !is_upper(rune) {
        return match is_alphabet(rune) {
            true => run_end(text, end + size, rune, lower),
            false => end,
        };
    }
    let mut last_size = size;
    end += size;
    while end < text.len() {
        let size;
        (rune, size) = next_valid_rune(&text[end..], rune);
        if !is_upper(rune) {
            break;
        }
        last_size = size;
        end += size;
    }
    if end < text.len() && is_alphabet(rune) {
        end -= last_size;
    }
    end
}
