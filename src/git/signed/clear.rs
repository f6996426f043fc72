//! Texts that are signed in the clear (RFC 9580, section 7), as the provenance
//! of a chart is.

use super::OPENPGP;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const END: &str = "-----END PGP SIGNATURE-----";
/// A provenance is Chart.yaml and a digest.
const MAX_BYTES: usize = 256 * 1024;

/// A text and its signature, which nobody has verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearSigned {
    /// With the line ends that are signed.
    pub(super) payload: Vec<u8>,
    /// Armored.
    pub(super) signature: String,
    text: String,
}

impl ClearSigned {
    /// One message, and nothing beside it: what is not signed is not there.
    pub fn read(whole: &str) -> Result<Self, String> {
        if whole.len() > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        let mut lines = whole.trim().lines().map(|line| line.trim_end_matches('\r'));
        if lines.next().map(str::trim_end) != Some(BEGIN) {
            return Err(format!("it does not begin with {BEGIN}"));
        }
        for line in lines.by_ref() {
            match line.trim_end() {
                "" => break,
                // The signature names its hash itself.
                header if header.starts_with("Hash: ") => {}
                header => return Err(format!("its header {header:?} is not known")),
            }
        }
        let mut text = Vec::new();
        let mut is_closed = false;
        for line in lines.by_ref() {
            if line.trim_end() == OPENPGP {
                is_closed = true;
                break;
            }
            let line = match line.strip_prefix("- ") {
                Some(escaped) => escaped,
                None if line.starts_with('-') => {
                    return Err(format!("its line {line:?} is not escaped"));
                }
                None => line,
            };
            text.push(line.trim_end_matches([' ', '\t']));
        }
        let rest: Vec<&str> = lines.collect();
        if !is_closed || rest.last().map(|line| line.trim_end()) != Some(END) {
            return Err(format!("it does not end with {END}"));
        }
        // One block: the end stands at the end alone.
        if rest.iter().filter(|line| line.starts_with('-')).count() != 1 {
            return Err("there are several blocks in it".to_owned());
        }
        let mut signature = format!("{OPENPGP}\n");
        for line in rest {
            signature.push_str(line);
            signature.push('\n');
        }
        Ok(ClearSigned {
            payload: text.join("\r\n").into_bytes(),
            signature,
            text: text.join("\n"),
        })
    }

    /// What is signed, line ends as on this machine.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: a  \n- - x\n\n...\nfiles:\n-----BEGIN PGP SIGNATURE-----\n\nabcd\n=efgh\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_text_is_taken_as_it_was_signed() {
        for message in [MESSAGE.to_owned(), MESSAGE.replace('\n', "\r\n")] {
            let signed = ClearSigned::read(&message).expect("is one");
            assert_eq!(signed.text(), "name: a\n- x\n\n...\nfiles:");
            assert_eq!(signed.payload, b"name: a\r\n- x\r\n\r\n...\r\nfiles:");
            assert!(signed.signature.contains("\nabcd\n"));
        }
    }

    #[test]
    fn what_is_not_one_message_is_none() {
        for (message, told) in [
            (String::new(), "does not begin"),
            ("name: a\n".to_owned(), "does not begin"),
            (format!("x\n{MESSAGE}"), "does not begin"),
            (format!("{MESSAGE}x"), "does not end"),
            (format!("{MESSAGE}{MESSAGE}"), "several blocks"),
            (MESSAGE.replace("- - x", "- x\n-y"), "not escaped"),
            (MESSAGE.replace("Hash: ", "Comment: "), "is not known"),
            (MESSAGE.replace("-----END", "-----AND"), "does not end"),
            (
                MESSAGE.replace("-----BEGIN PGP SIGNATURE", "- ---"),
                "not escaped",
            ),
            ("x".repeat(MAX_BYTES + 1), "more than"),
        ] {
            let error = ClearSigned::read(&message).expect_err(&message);
            assert!(error.contains(told), "{message}: {error}");
        }
    }
}
