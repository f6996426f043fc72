//! The real registry with the token flow of the distribution project: tokens
//! are given by a server of ours and judged by the registry. The real helm asks
//! the same server, so what it sends is what is held against.

use super::real::{Auth, Kind, Registry};
use super::{basic, charts};
use crate::support::serve::{Answer, Asked, Server};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use drupelet::http::{Client, Roots, Settings};
use drupelet::registry::{Access, Archive, Charts, Error, Fault, Request};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the distribution registry forgives a clock.
const LEEWAY: i64 = 60;

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Who signs tokens.
struct Issuer {
    certificate: Vec<u8>,
    pem: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec!["issuer".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pair = KeyPair::generate().expect("ring makes keys");
        let certificate = params.self_signed(&pair).expect("signs itself");
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Issuer {
            certificate: certificate.der().to_vec(),
            pem: certificate.pem(),
            key: EcdsaKeyPair::from_pkcs8(algorithm, &pair.serialize_der(), &random)
                .expect("a key of ring's"),
            random,
        }
    }

    /// A token that is good for `access` until then.
    fn token(&self, access: &str, until: i64) -> String {
        let header = format!(
            r#"{{"typ":"JWT","alg":"ES256","x5c":["{}"]}}"#,
            STANDARD.encode(&self.certificate)
        );
        let claims = format!(
            r#"{{"iss":"tests","sub":"","aud":"the registry","exp":{until},"nbf":{},"iat":{},"jti":"1","access":{access}}}"#,
            until - 3600,
            until - 3600,
        );
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = self.key.sign(&self.random, signed.as_bytes());
        let signature = signature.expect("signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut found = Vec::new();
    while let Some(byte) = bytes.next() {
        found.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(|d| d.expect("two digits"));
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("digits")
            }
            other => other,
        });
    }
    String::from_utf8(found).expect("text")
}

/// The values of a parameter of a request for a token.
fn asked_for(asked: &Asked, name: &str) -> Vec<String> {
    let (_, query) = asked.target.split_once('?').unwrap_or_default();
    let body = String::from_utf8_lossy(&asked.body);
    let pairs = query.split('&').chain(body.split('&'));
    let found = pairs.filter_map(|pair| pair.split_once('='));
    found
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| decoded(value))
        .collect()
}

/// A token server: ada may do all that she asks for, anybody may pull what is
/// below `team/open`, and others get a token that is good for nothing.
struct Tokens {
    server: Server,
    issuer: Arc<Issuer>,
    /// Seconds from now to the end of the tokens, leeway not counted.
    life: Arc<AtomicI64>,
}

impl Tokens {
    fn start(has_tls: bool) -> Self {
        let issuer = Arc::new(Issuer::new());
        let life = Arc::new(AtomicI64::new(300));
        let (own, left) = (issuer.clone(), life.clone());
        let give = move |asked: &Asked| {
            let is_ada = asked.header("authorization") == Some("Basic YWRhOnMzY3JldA==")
                || (asked_for(asked, "username") == ["ada"]
                    && asked_for(asked, "password") == ["s3cret"]);
            let is_nobody = asked.header("authorization").is_none() && asked.body.is_empty();
            if !is_ada && !is_nobody {
                return Answer::status(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#);
            }
            let scopes = asked_for(asked, "scope");
            let words = scopes.iter().flat_map(|scope| scope.split(' '));
            let granted = words.filter_map(|scope| {
                let (kind, rest) = scope.split_once(':')?;
                let (name, actions) = rest.rsplit_once(':')?;
                let actions = match is_ada {
                    true => actions.split(',').collect(),
                    false if name.starts_with("team/open/") => vec!["pull"],
                    false => Vec::new(),
                };
                let actions: Vec<String> = actions.iter().map(|a| format!("\"{a}\"")).collect();
                Some(format!(
                    r#"{{"type":"{kind}","name":"{name}","actions":[{}]}}"#,
                    actions.join(",")
                ))
            });
            let access = format!("[{}]", granted.collect::<Vec<_>>().join(","));
            let until = now() + left.load(Ordering::SeqCst) - LEEWAY;
            let token = own.token(&access, until);
            Answer::ok(format!(
                r#"{{"token":"{token}","access_token":"{token}","expires_in":3600}}"#
            ))
        };
        let server = match has_tls {
            true => Server::tls(give),
            false => Server::plain(give),
        };
        Tokens {
            server,
            issuer,
            life,
        }
    }

    fn registry(&self, has_tls: bool) -> Option<Registry> {
        Registry::start(Kind {
            auth: Auth::Tokens {
                realm: self.server.url("/token"),
                trust: self.issuer.pem.clone(),
                roots: self.server.certificate.clone(),
            },
            has_tls,
        })
    }

    /// What was asked of the token server since the last call: scopes, and
    /// who came.
    fn asked(&self) -> Vec<(String, Option<String>)> {
        let asked = self.server.asked();
        let one = |asked: &Asked| {
            assert_eq!(asked_for(asked, "service"), ["the registry"]);
            let who = asked.header("authorization").map(str::to_owned);
            (asked_for(asked, "scope").join(" "), who)
        };
        asked.iter().map(one).collect()
    }
}

fn pull(
    charts: &Charts,
    registry: &Registry,
    path: &str,
    version: &str,
    access: &Access,
) -> Result<Archive, Error> {
    let request = Request {
        repository: format!("{}{path}", registry.url()),
        ..registry.request(version)
    };
    let pinned = charts.resolve(&request, access)?;
    charts.pull(&pinned, access)
}

const ADA: &str = "Basic YWRhOnMzY3JldA==";

#[test]
fn tokens_open_what_their_scope_says() {
    for has_tls in [false, true] {
        let tokens = Tokens::start(has_tls);
        let Some(registry) = tokens.registry(has_tls) else {
            return;
        };
        let secret = registry.push("1.0.0");
        assert_eq!(registry.pulled_by_helm("1.0.0"), secret);
        let by_helm = tokens.asked();
        let is_hers = |asked: &(String, Option<String>)| asked.1.as_deref() == Some(ADA);
        assert!(by_helm.iter().any(is_hers), "{by_helm:?}");
        registry.push_below("/open", "1.0.0");
        tokens.asked();

        let home = tempfile::tempdir().expect("a temporary directory");
        let with = |password: Option<&str>| registry.access(password);
        let found = pull(&charts(&home), &registry, "", "1.x", &with(Some("s3cret")));
        assert_eq!(found.expect("she may").bytes, secret);
        let scope = "repository:team/app:pull".to_owned();
        assert_eq!(tokens.asked(), [(scope.clone(), Some(ADA.to_owned()))]);

        let home = tempfile::tempdir().expect("a temporary directory");
        let charts = charts(&home);
        for (password, given) in [(None, false), (Some("wrong"), true)] {
            let error = pull(&charts, &registry, "", "1.x", &with(password));
            let error = error.expect_err("it is hers");
            assert!(
                matches!(error.fault, Fault::Unauthenticated { given: told } if told == given),
                "{error}"
            );
            let asked = tokens.asked();
            assert_eq!(asked.len(), 1, "{asked:?}");
            assert_eq!(asked[0].0, scope);
            assert_eq!(asked[0].1.is_some(), given);
        }
        // Anybody may pull here, with a token, and shows nothing for it.
        let open = pull(&charts, &registry, "/open", "1.x", &with(None));
        open.expect("anybody may");
        let asked = tokens.asked();
        assert_eq!(asked, [("repository:team/open/app:pull".to_owned(), None)]);
    }
}

#[test]
fn a_token_that_ends_on_the_way_is_asked_for_again() {
    let tokens = Tokens::start(false);
    let Some(registry) = tokens.registry(false) else {
        return;
    };
    let bytes = registry.push("1.0.0");
    tokens.asked();
    let home = tempfile::tempdir().expect("a temporary directory");
    let charts = charts(&home);
    let access = registry.access(Some("s3cret"));
    // It says that it is good for an hour, and is not.
    tokens.life.store(2, Ordering::SeqCst);
    let pinned = charts.resolve(&registry.request("1.x"), &access);
    let pinned = pinned.expect("the token is good");
    assert_eq!(tokens.asked().len(), 1);
    std::thread::sleep(Duration::from_secs(4));
    tokens.life.store(300, Ordering::SeqCst);
    let archive = charts.pull(&pinned, &access).expect("with a new token");
    assert_eq!(archive.bytes, bytes);
    assert_eq!(tokens.asked().len(), 1);

    // One that is never good is not asked for without end.
    tokens.life.store(-5, Ordering::SeqCst);
    let home = tempfile::tempdir().expect("a temporary directory");
    let charts = super::charts(&home);
    let error = charts.resolve(&registry.request("1.x"), &access);
    let error = error.expect_err("no token is good");
    assert!(
        matches!(error.fault, Fault::Unauthenticated { given: true }),
        "{error}"
    );
    assert_eq!(tokens.asked().len(), 1);
    assert_eq!(charts.counts().requests, 3);
}

/// A registry names who gives its tokens, and that one gets the credentials, as
/// helm has it. Whoever that one sends to gets none, and nobody in the clear for a
/// registry that is not.
#[test]
fn credentials_go_to_the_realm_and_no_further() {
    let elsewhere = Server::plain(|_| Answer::ok(r#"{"token":"x"}"#));
    let target = elsewhere.url("/token");
    let moved = Server::tls(move |_| Answer::redirect(&target));
    let realms = Arc::new(Mutex::new(String::new()));
    let realm = realms.clone();
    let registry = Server::tls(move |asked| {
        if asked.header("authorization").is_some() {
            return Answer::status(403, "");
        }
        let realm = realm.lock().expect("no panic holds it").clone();
        let challenge = format!("Bearer realm=\"{realm}\",service=\"s\"");
        Answer::status(401, "").header("www-authenticate", &challenge)
    });
    let roots = registry.certificate.clone() + &moved.certificate;
    let settings = Settings {
        roots: Roots::Only(roots.into_bytes()),
        ..Settings::default()
    };
    let access = Access {
        credentials: basic("s3cret"),
        ..Access::anonymous(Client::new(settings).expect("is usable"))
    };
    let request = Request {
        repository: registry.url("/team").replace("https://", "oci://"),
        chart: "app".into(),
        version: "1.x".into(),
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    let ask = |realm: String| {
        *realms.lock().expect("no panic holds it") = realm;
        let found = charts(&home).resolve(&request, &access);
        found.expect_err("nobody is let in").to_string()
    };
    let error = ask(elsewhere.url("/token"));
    assert!(error.contains("is not https"), "{error}");
    assert!(elsewhere.asked().is_empty());
    ask(moved.url("/token"));
    let sent = moved.asked();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].header("authorization"), Some(ADA));
    for asked in elsewhere.asked() {
        assert_eq!(asked.header("authorization"), None, "{}", asked.target);
    }
    for realm in ["", "file:///etc/passwd", "https://", "x y", "//host/token"] {
        let error = ask(realm.to_owned());
        assert!(!error.contains("s3cret"), "{error}");
    }
}
