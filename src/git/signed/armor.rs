//! The armor around OpenPGP data (RFC 9580, section 6.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The data of all blocks of a kind (`PUBLIC KEY BLOCK`), one after another.
/// The checksum is not looked at: what it would tell, the signature tells.
pub fn decode(text: &str, kind: &str) -> Result<Vec<u8>, String> {
    let begin = format!("-----BEGIN PGP {kind}-----");
    let end = format!("-----END PGP {kind}-----");
    let mut data = Vec::new();
    let mut n_blocks = 0;
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line != begin {
            continue;
        }
        // `Version:` and the like, up to an empty line.
        let mut body = String::new();
        let mut in_headers = true;
        let mut is_closed = false;
        for line in lines.by_ref() {
            if line == end {
                is_closed = true;
                break;
            }
            if in_headers && (line.is_empty() || line.contains(": ")) {
                in_headers = !line.is_empty();
                continue;
            }
            in_headers = false;
            if !line.starts_with('=') {
                body.push_str(line);
            }
        }
        if !is_closed {
            return Err(format!("{begin} has no end"));
        }
        let block = STANDARD.decode(&body);
        data.extend(block.map_err(|error| format!("the armor is broken: {error}"))?);
        n_blocks += 1;
    }
    match n_blocks {
        0 => Err(format!("there is no {begin}")),
        _ => Ok(data),
    }
}
