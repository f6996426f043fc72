//! Characters that every reader takes for what they are.

/// No control character but line feed and tab, no other line break, and no mark of
/// byte order.
pub fn has_plain_characters(text: &str) -> bool {
    // Eight bytes at a time; the high bits of those that are zero.
    const LOW: u64 = each(0x7f);
    let zeros = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    let controls = |word: u64| {
        let are_fine = zeros(word ^ each(b'\n')) | zeros(word ^ each(b'\t'));
        zeros(word & each(0xe0)) & !are_fine | zeros(word ^ each(0x7f))
    };
    let (words, rest) = text.as_bytes().as_chunks();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut words = words.iter().chain([&last]);
    if words.any(|word| controls(u64::from_ne_bytes(*word)) != 0) {
        return false;
    }
    let is_odd = |c: char| {
        matches!(
            c,
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    text.is_ascii() || !text.chars().any(is_odd)
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::has_plain_characters;

    #[test]
    fn characters_are_plain_that_every_reader_takes() {
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let is_control = c.is_control() && !matches!(c, '\n' | '\t');
            let odd = ['\u{2028}', '\u{2029}', '\u{feff}', '\u{fffe}', '\u{ffff}'];
            let is_plain = !is_control && !odd.contains(&c);
            for before in ["", "abcdefg", "a\tb\ncdefghijk"] {
                let text = format!("{before}{c}xyz");
                assert_eq!(has_plain_characters(&text), is_plain, "{text:?}");
            }
        }
    }
}
