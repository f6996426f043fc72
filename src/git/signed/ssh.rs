//! Signatures that ssh-keygen made, and the file of allowed signers (ALLOWED
//! SIGNERS in ssh-keygen(1)).

use super::{Checked, Verdict};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use russh::keys::ssh_key::{HashAlg, PublicKey, SshSig};

/// What git signs, as opposed to a file or a mail.
const NAMESPACE: &str = "git";

/// A key that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    key: PublicKey,
    /// Patterns; empty allows all.
    namespaces: Vec<String>,
    /// Seconds since 1970.
    after: Option<i64>,
    before: Option<i64>,
}

/// The lines of an allowed signers file, each a signer or what is the matter
/// with it. Principals do not count: the project says which keys it takes.
pub fn read_signers(text: &str) -> Vec<Result<Signer, String>> {
    let lines = text.lines().enumerate();
    let told = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
    told.map(|(index, line)| signer(line).map_err(|why| format!("line {}: {why}", index + 1)))
        .collect()
}

/// One public key a line.
pub fn read_keys(text: &str) -> Vec<Result<PublicKey, String>> {
    let lines = text.lines().map(str::trim).enumerate();
    let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    told.map(|(index, line)| {
        let key = PublicKey::from_openssh(line);
        key.map_err(|error| format!("line {}: {error}", index + 1))
    })
    .collect()
}

fn signer(line: &str) -> Result<Signer, String> {
    let words = words(line)?;
    let (_, rest) = words.split_first().ok_or("it is empty")?;
    let at = rest
        .windows(2)
        .position(|pair| PublicKey::from_openssh(&pair.join(" ")).is_ok())
        .ok_or("there is no public key after the principals")?;
    let mut signer = Signer {
        key: PublicKey::from_openssh(&rest[at..at + 2].join(" ")).expect("it was one just now"),
        namespaces: Vec::new(),
        after: None,
        before: None,
    };
    for option in rest[..at].iter().flat_map(|word| options(word)) {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => signer.namespaces = value.split(',').map(str::to_owned).collect(),
            "valid-after" => signer.after = Some(time(value)?),
            "valid-before" => signer.before = Some(time(value)?),
            "cert-authority" => return Err("certificates are not supported".to_owned()),
            _ => return Err(format!("the option {option:?} is not known")),
        }
    }
    Ok(signer)
}

/// Words between blanks; blanks in quotes do not count.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        quoted ^= c == '"';
        match c.is_whitespace() && !quoted {
            true if word.is_empty() => {}
            true => words.push(std::mem::take(&mut word)),
            false => word.push(c),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}

/// Options between commas; commas in quotes do not count.
fn options(word: &str) -> Vec<String> {
    let (mut options, mut quoted) = (vec![String::new()], false);
    for c in word.chars() {
        quoted ^= c == '"';
        match c == ',' && !quoted {
            true => options.push(String::new()),
            false => options.last_mut().expect("there is one").push(c),
        }
    }
    options
}

/// `YYYYMMDD[HHMM[SS]][Z]`; without a Z it is local time for ssh-keygen, and
/// UTC here, where the agent runs wherever it may.
fn time(text: &str) -> Result<i64, String> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) {
        return Err(format!("{text:?} is no YYYYMMDD[HHMM[SS]][Z]"));
    }
    let padded = format!("{digits:0<14}");
    let time = DateTime::strptime("%Y%m%d%H%M%S", &padded)
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map_err(|error| format!("{text:?}: {error}"))?;
    Ok(Timestamp::from(time).as_second())
}

/// `now` is in seconds since 1970: keys are held against today, as those of
/// GnuPG are, not against the date that a commit gives itself.
pub fn check(
    armored: &str,
    payload: &[u8],
    signers: &[Signer],
    revoked: &[PublicKey],
    now: i64,
) -> Checked {
    let signature = match SshSig::from_pem(armored.trim()) {
        Ok(signature) => signature,
        Err(error) => return Checked::of(Verdict::Unsupported(error.to_string()), ""),
    };
    let key = PublicKey::from(signature.public_key().clone());
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let is_it = |known: &PublicKey| known.key_data() == key.key_data();
    let told = |verdict| Checked::of(verdict, &fingerprint);
    if key.verify(NAMESPACE, payload, &signature).is_err() {
        return told(Verdict::Bad);
    }
    if revoked.iter().any(is_it) {
        return told(Verdict::RevokedKey);
    }
    let known: Vec<&Signer> = signers
        .iter()
        .filter(|signer| is_it(&signer.key) && signer.is_for_git())
        .collect();
    if known.is_empty() {
        return told(Verdict::MissingKey);
    }
    let is_valid = |signer: &&Signer| {
        signer.after.is_none_or(|at| at <= now) && signer.before.is_none_or(|at| now < at)
    };
    match known.iter().any(is_valid) {
        true => told(Verdict::Good),
        false => told(Verdict::ExpiredKey),
    }
}

impl Signer {
    fn is_for_git(&self) -> bool {
        self.namespaces.is_empty()
            || self.namespaces.iter().any(|pattern| {
                crate::value::glob::Glob::gobwas(pattern, &[])
                    .is_ok_and(|glob| glob.matches(NAMESPACE))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn allowed_signers_have_options_in_front_of_the_key() {
        let text = format!(
            "# people\n\nada@example.org,*@ops namespaces=\"git,file\",valid-after=\"20240102Z\",valid-before=20250102030405Z {KEY} ada\n*@example.org {KEY}\n"
        );
        let signers: Vec<Signer> = read_signers(&text).into_iter().flatten().collect();
        assert_eq!(signers.len(), 2);
        assert_eq!(signers[0].namespaces, ["git", "file"]);
        assert_eq!(signers[0].after, Some(1_704_153_600));
        assert_eq!(signers[0].before, Some(1_735_787_045));
        assert_eq!(signers[1].namespaces, Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_not_understood_trusts_nobody() {
        let check = |line: &str, wanted: &str| {
            let read = read_signers(line);
            let [Err(why)] = read.as_slice() else {
                panic!("{read:?}");
            };
            assert!(why.contains(wanted), "{why}");
        };
        check(&format!("* cert-authority {KEY}"), "certificates");
        check(&format!("* touch-required {KEY}"), "touch-required");
        check(&format!("* valid-before=soon {KEY}"), "soon");
        check(&format!("* namespaces=\"git {KEY}"), "quote");
        check("ada@example.org", "no public key");
        check("* ssh-ed25519 AAAA", "no public key");
    }
}
