//! PEM as Go's encoding/pem reads and writes it.

use crate::gotmpl::funcs::encoding::decode_base64;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const LINE: usize = 64;

pub fn encode(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {kind}-----\n");
    for line in text.as_bytes().chunks(LINE) {
        out.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        out.push('\n');
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The first block: its type and its bytes.
pub fn decode(text: &str) -> Option<(String, Vec<u8>)> {
    let mut lines = text.lines();
    loop {
        let begin = lines.find_map(|line| line.trim_end().strip_prefix("-----BEGIN "))?;
        let Some(kind) = begin.strip_suffix("-----") else {
            continue;
        };
        let end = format!("-----END {kind}-----");
        let block: Vec<&str> = lines
            .clone()
            .take_while(|line| !line.starts_with("-----"))
            .collect();
        let closed = lines.clone().nth(block.len());
        if closed.map(str::trim_end) != Some(&end) {
            continue;
        }
        // Headers end at an empty line.
        let start = match block.first() {
            Some(line) if line.contains(':') => block.iter().position(|l| l.is_empty())? + 1,
            _ => 0,
        };
        let body: String = block[start..].iter().map(|line| line.trim()).collect();
        if let Ok(der) = decode_base64(body.as_bytes()) {
            return Some((kind.to_owned(), der));
        }
    }
}
