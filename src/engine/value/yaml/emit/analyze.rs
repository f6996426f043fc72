//! In which styles a scalar can be printed (emitterc.go, analyze_scalar).

/// What a text allows, outside of flow collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Analysis {
    pub multiline: bool,
    pub plain_allowed: bool,
    pub single_quoted_allowed: bool,
    pub block_allowed: bool,
}

pub fn analyze(text: &str) -> Analysis {
    if text.is_empty() {
        return Analysis {
            multiline: false,
            plain_allowed: true,
            single_quoted_allowed: true,
            block_allowed: false,
        };
    }
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let mut line_breaks = false;
    let mut special = false;
    let mut break_space = false;
    let mut space_break = false;
    let mut previous = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let before_blank = rest.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        indicators |= match (previous, c) {
            (
                None,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`',
            ) => true,
            (None, '?' | '-') | (_, ':') => before_blank,
            (Some(previous), '#') => is_break(previous) || matches!(previous, ' ' | '\t' | '\0'),
            _ => false,
        };
        special |= !is_printable(c);
        line_breaks |= is_break(c);
        break_space |= c == ' ' && previous.is_some_and(is_break);
        space_break |= is_break(c) && previous == Some(' ');
        previous = Some(c);
    }
    let is_edge = |c: char| c == ' ' || is_break(c);
    let edge = text.starts_with(is_edge) || text.ends_with(is_edge);
    let unquotable = break_space || space_break || special;
    Analysis {
        multiline: line_breaks,
        plain_allowed: !(edge || unquotable || line_breaks || indicators),
        single_quoted_allowed: !unquotable,
        block_allowed: !(text.ends_with(' ') || space_break || special),
    }
}

/// The line breaks of YAML 1.1.
pub fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand unescaped. go-yaml knows no character that UTF-8 writes in
/// four bytes, so those are escaped; so are tabs and the byte-order mark.
pub fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
