//! Tokens of a GitHub App's installation: a signed claim of the App is
//! exchanged for a token that is good for an hour.

use crate::http::{Client, Credentials, read_body, require_success};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Answers are small; more is refused.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// GitHub takes claims of ten minutes at most, and clocks differ.
const CLAIM_SECONDS: i64 = 9 * 60;
const CLOCK_SKEW_SECONDS: i64 = 60;
/// A token is good for an hour; it is exchanged this long before.
const TOKEN_TIME: Duration = Duration::from_secs(55 * 60);
/// Tokens that are remembered.
const MAX_TOKENS: usize = 64;

/// App, installation, API, and a digest of the key.
type Installation = (i64, i64, String, [u8; 32]);

#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<BTreeMap<Installation, (String, Instant)>>,
}

impl Tokens {
    /// A token of the installation, from before where it is still good.
    /// `now` in Unix seconds.
    pub fn token(
        &self,
        client: &Client,
        private_key: &str,
        id: i64,
        installation: i64,
        base_url: &str,
        now: i64,
    ) -> Result<Credentials, String> {
        use sha2::{Digest, Sha256};
        let base = match base_url.trim_end_matches('/') {
            "" => "https://api.github.com",
            base => base,
        };
        let key: Installation = (
            id,
            installation,
            base.to_owned(),
            Sha256::digest(private_key).into(),
        );
        // One exchange at a time: applications of one installation share it.
        let mut known = self.known.lock().expect("no holder of this lock panics");
        if let Some((token, until)) = known.get(&key)
            && *until > Instant::now()
        {
            return Ok(as_credentials(token));
        }
        let claim = claim(private_key, id, now)?;
        let token = exchange(client, base, installation, &claim)?;
        if known.len() >= MAX_TOKENS {
            known.clear();
        }
        known.insert(key, (token.clone(), Instant::now() + TOKEN_TIME));
        Ok(as_credentials(&token))
    }

    pub fn forget(&self) {
        let mut known = self.known.lock().expect("no holder of this lock panics");
        known.clear();
    }
}

/// The user name that GitHub asks for beside a token.
fn as_credentials(token: &str) -> Credentials {
    Credentials::Basic {
        user: "x-access-token".to_owned(),
        password: token.to_owned(),
    }
}

fn exchange(client: &Client, base: &str, installation: i64, claim: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Answer {
        token: String,
    }
    let url = format!("{base}/app/installations/{installation}/access_tokens");
    let request = Request::post(&url)
        .header(ACCEPT, "application/vnd.github+json")
        .header(AUTHORIZATION, format!("Bearer {claim}"))
        .body(Vec::new())
        .map_err(|error| format!("githubAppEnterpriseBaseUrl: {error}"))?;
    let response = client.send(request).map_err(|error| error.to_string())?;
    let response = require_success("POST", &url, response).map_err(|error| error.to_string())?;
    let body = read_body("POST", &url, response, MAX_ANSWER_BYTES).map_err(|e| e.to_string())?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| format!("POST {url}: the answer holds no token: {error}"))?;
    Ok(answer.token)
}

/// A JSON Web Token, RS256 (RFC 7519).
fn claim(private_key: &str, id: i64, now: i64) -> Result<String, String> {
    let unusable = |why: &str| format!("githubAppPrivateKey {why}");
    let pair = key_pair(private_key).map_err(unusable)?;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let claims = format!(
        r#"{{"iat":{},"exp":{},"iss":"{id}"}}"#,
        now - CLOCK_SKEW_SECONDS,
        now + CLAIM_SECONDS
    );
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| unusable("does not sign"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// PKCS#1 as GitHub hands it out, or PKCS#8.
fn key_pair(pem: &str) -> Result<RsaKeyPair, &'static str> {
    let body = |label: &str| {
        let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let text: String = body.split_whitespace().collect();
        STANDARD.decode(text).ok()
    };
    if let Some(der) = body("RSA PRIVATE KEY") {
        return RsaKeyPair::from_der(&der).map_err(|_| "is no usable RSA key");
    }
    if let Some(der) = body("PRIVATE KEY") {
        return RsaKeyPair::from_pkcs8(&der).map_err(|_| "is no usable RSA key");
    }
    Err("is no RSA key in PEM")
}
