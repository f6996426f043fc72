//! `ssh_known_hosts`: which keys a host may show (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use russh::keys::{PublicKey, parse_public_key_base64};

/// Lines above these are not read: the big forges have three keys each.
const MAX_LINES: usize = 10_000;
const MAX_LINE_BYTES: usize = 16 * 1024;

/// What is said of one host.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    pub known: Vec<PublicKey>,
    pub revoked: Vec<PublicKey>,
    /// It is vouched for by an authority only, which is not looked at.
    pub has_authority: bool,
}

impl HostKeys {
    /// Lines that are not readable name no key, as OpenSSH has it.
    pub fn of(text: &str, host: &str, port: u16) -> Self {
        let host = host.to_lowercase();
        let name = match port {
            22 => host,
            port => format!("[{host}]:{port}"),
        };
        let mut keys = Self::default();
        for line in text.lines().take(MAX_LINES) {
            if line.len() <= MAX_LINE_BYTES && !line.trim_start().starts_with('#') {
                keys.read(line, &name);
            }
        }
        keys
    }

    fn read(&mut self, line: &str, name: &str) {
        let mut fields = line.split_ascii_whitespace().peekable();
        let marker = fields.next_if(|field| field.starts_with('@'));
        let (Some(hosts), Some(_kind), Some(key)) = (fields.next(), fields.next(), fields.next())
        else {
            return;
        };
        if !names(hosts, name) {
            return;
        }
        let Ok(key) = parse_public_key_base64(key) else {
            return;
        };
        match marker {
            None => self.known.push(key),
            Some("@revoked") => self.revoked.push(key),
            Some("@cert-authority") => self.has_authority = true,
            Some(_) => {}
        }
    }
}

/// Does the first field of a line name this host? `!` in front takes back.
fn names(field: &str, name: &str) -> bool {
    let mut is_named = false;
    for pattern in field.split(',') {
        if let Some(hashed) = pattern.strip_prefix("|1|") {
            is_named |= is_hash_of(hashed, name);
        } else if let Some(pattern) = pattern.strip_prefix('!') {
            if fits(&pattern.to_lowercase(), name) {
                return false;
            }
        } else {
            is_named |= fits(&pattern.to_lowercase(), name);
        }
    }
    is_named
}

/// `SALT|HMAC-SHA1 of the name`, both in base64.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}

/// `*` and `?`, without backtracking further than to the last star.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            Some(_) | None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[track_caller]
    fn check(hosts: &str, host: &str, port: u16, expected: usize) {
        let text = format!("# a comment\n\n{hosts} {KEY} comment\n");
        let keys = HostKeys::of(&text, host, port);
        assert_eq!(keys.known.len(), expected, "{hosts} for {host}:{port}");
    }

    #[test]
    fn hosts_are_named_plainly_by_pattern_and_hashed() {
        check("github.com", "GitHub.com", 22, 1);
        check("github.com,140.82.121.4", "140.82.121.4", 22, 1);
        check("github.com", "github.com", 2222, 0);
        check("[git.lan]:2222", "git.lan", 2222, 1);
        check("[git.lan]:2222", "git.lan", 22, 0);
        check("*.lan", "git.lan", 22, 1);
        check("*.lan,!git.lan", "git.lan", 22, 0);
        check("g?t.*", "git.example.lan", 22, 1);
        check("*", "anything", 22, 1);
        check("git", "git.lan", 22, 0);
        // Hashed by ssh-keygen -H of OpenSSH 9.2.
        let plain = "|1|A9VrVr86qfbro+4XE7dRaVnt38Q=|rYJm2SwFS3E3dA7ouqjzpZC7Rxc=";
        check(plain, "other.lan", 22, 1);
        check(plain, "git.lan", 22, 0);
        let with_port = "|1|ImZEDMwRUQwbv1ldKPC/9K0vwQE=|RVfbYMUTFlE1acmWcYzqmbU/YSs=";
        check(with_port, "git.lan", 2222, 1);
        check(with_port, "git.lan", 22, 0);
    }

    #[test]
    fn revoked_keys_and_authorities_are_no_known_keys() {
        let text = format!("@revoked * {KEY}\n@cert-authority *.lan {KEY}\n@other * {KEY}\n");
        let keys = HostKeys::of(&text, "git.lan", 22);
        assert_eq!((keys.known.len(), keys.revoked.len()), (0, 1));
        assert!(keys.has_authority);
    }

    #[test]
    fn malformed_lines_name_no_key() {
        for line in [
            "host",
            "host ssh-ed25519",
            "host ssh-ed25519 %%%",
            "host ssh-ed25519 AAAA",
            "@revoked",
            "@revoked host",
            "|1| ssh-ed25519 AAAA",
            "|1|x ssh-ed25519 AAAA",
            "|1|%|% ssh-ed25519 AAAA",
            "\u{0}\u{1}\u{2} \u{3} \u{4}",
            "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP",
        ] {
            assert!(HostKeys::of(line, "host", 22).known.is_empty(), "{line}");
        }
    }
}
