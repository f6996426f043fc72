//! Functions with random results: what holds of every result.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use drupelet::gotmpl::{Context, Map, TemplateSet, funcs};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::funcs::SeededHost;
use crate::support;

#[track_caller]
fn render(seed: u64, template: &str) -> String {
    let mut set = TemplateSet::new(funcs::table());
    set.parse("t", template.as_bytes()).expect("it parses");
    let host = SeededHost::new(seed);
    let mut context = Context::with_templates(Rc::new(set), &host, support::limits());
    let text = context.render("t", Map::new().into()).expect("it renders");
    text.to_string()
}

#[track_caller]
fn check_alphabet(function: &str, allowed: impl Fn(char) -> bool) {
    let text = render(7, &format!("{{{{ {function} 2000 }}}}"));
    assert_eq!(text.chars().count(), 2000, "{function}");
    assert!(text.chars().all(&allowed), "{function}: {text}");
    let all = (' '..='~').filter(|c| allowed(*c));
    for character in all {
        assert!(
            text.contains(character),
            "{function} never gives {character:?}"
        );
    }
}

#[test]
fn random_strings_have_length_and_alphabet() {
    check_alphabet("randAlpha", |c| c.is_ascii_alphabetic());
    check_alphabet("randAlphaNum", |c| c.is_ascii_alphanumeric());
    check_alphabet("randNumeric", |c| c.is_ascii_digit());
    check_alphabet("randAscii", |c| (' '..='~').contains(&c));
}

#[test]
fn the_same_randomness_gives_the_same_text() {
    let template = "{{ randAlphaNum 20 }} {{ uuidv4 }} {{ randBytes 8 }} {{ randInt 0 1000000 }} \
                    {{ shuffle \"abcdefghij\" }} {{ genPrivateKey \"ecdsa\" }} {{ bcrypt \"x\" }}";
    assert_eq!(render(1, template), render(1, template));
    assert_ne!(render(1, template), render(2, template));
}

#[test]
fn random_numbers_stay_in_their_range() {
    for seed in 0..100 {
        let number: i64 = render(seed, "{{ randInt -3 4 }}")
            .parse()
            .expect("a number");
        assert!((-3..4).contains(&number), "{number}");
    }
}

#[test]
fn uuids_are_of_version_4() {
    for seed in 0..50 {
        let uuid = render(seed, "{{ uuidv4 }}");
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4", "{uuid}");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}

#[test]
fn shuffle_keeps_the_characters() {
    let shuffled = render(3, r#"{{ shuffle "abcdé世" }}"#);
    let mut sorted: Vec<char> = shuffled.chars().collect();
    sorted.sort();
    assert_eq!(sorted.into_iter().collect::<String>(), "abcdé世");
}

#[test]
fn password_hashes_verify() {
    let line = render(5, r#"{{ htpasswd "user" "pässword" }}"#);
    let hash = line.strip_prefix("user:").expect("the name comes first");
    assert!(hash.starts_with("$2a$10$"), "{hash}");
    assert!(bcrypt::verify("pässword", hash).expect("a hash"), "{hash}");
    assert!(!bcrypt::verify("password", hash).expect("a hash"), "{hash}");
}

/// Whether a client that trusts the authority takes the certificate for that name.
#[track_caller]
fn check_trusted(authority: &str, certificate: &str, name: &str) {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    let mut roots = RootCertStore::empty();
    roots.add(der(authority)).expect("an authority");
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
            .build()
            .expect("a verifier");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let now = UnixTime::since_unix_epoch(Duration::from_secs(3600));
    verifier
        .verify_server_cert(&der(certificate), &[], &name, &[], now)
        .unwrap_or_else(|fault| panic!("{name:?}: {fault}\n{certificate}"));
}

const SEPARATOR: &str = "|";

#[track_caller]
fn check_signed(authority_key: &str, key: &str) {
    let pems = render(
        11,
        &format!(
            r#"{{{{ $ca := genCAWithKey "Some CA*" 365 (genPrivateKey "{authority_key}") -}}}}
{{{{ $c := genSignedCertWithKey "cn" (list "10.1.2.3" "fe80::1") (list "a.example" "b.example") 30 $ca (genPrivateKey "{key}") -}}}}
{{{{ $ca.Cert }}}}|{{{{ $c.Cert }}}}"#
        ),
    );
    let (authority, certificate) = pems.split_once(SEPARATOR).expect("two certificates");
    for name in ["a.example", "b.example", "10.1.2.3", "fe80::1"] {
        check_trusted(authority, certificate, name);
    }
}

#[test]
fn signed_certificates_are_trusted() {
    check_signed("ecdsa", "ecdsa");
    check_signed("ed25519", "ecdsa");
    check_signed("ecdsa", "ed25519");
}

#[test]
fn rsa_authorities_are_trusted() {
    let pems = render(
        13,
        r#"{{ $ca := genCA "ca" 3650 }}{{ $c := genSignedCertWithKey "cn" nil (list "x.example") 365 $ca (genPrivateKey "ecdsa") }}{{ $ca.Cert }}|{{ $c.Cert }}"#,
    );
    let (authority, certificate) = pems.split_once(SEPARATOR).expect("two certificates");
    check_trusted(authority, certificate, "x.example");
}

#[test]
fn self_signed_certificates_are_their_own_authority() {
    let pem = render(
        17,
        r#"{{ (genSelfSignedCertWithKey "cn" nil (list "me.example") 365 (genPrivateKey "ecdsa")).Cert }}"#,
    );
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    let mut roots = RootCertStore::empty();
    roots.add(der).expect("a certificate");
}

#[test]
fn dsa_keys_are_written() {
    let pem = render(19, r#"{{ genPrivateKey "dsa" }}"#);
    assert!(
        pem.starts_with("-----BEGIN DSA PRIVATE KEY-----\n"),
        "{pem}"
    );
    assert!(pem.len() > 1000, "{pem}");
}
