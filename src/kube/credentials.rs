//! What is sent to say who we are, kept until it is old or refused.

use super::ConfigError;
use super::config::{ExecCredential, User, read_token};
use crate::http::ClientCertificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A mounted token is replaced when a fifth of its life (an hour, mostly) is
/// left; client-go reads it as often.
const TOKEN_FILE_AGE: Duration = Duration::from_secs(60);
/// A credential that is about to expire is not sent any more.
const EXPIRY_LEEWAY: Duration = Duration::from_secs(10);

pub struct Credentials {
    user: User,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    file_token: Option<(String, Instant)>,
    exec: Option<ExecCredential>,
}

/// What one request carries.
#[derive(Clone, Default, PartialEq)]
pub struct Identity {
    /// The value of the Authorization header.
    pub authorization: Option<String>,
    pub certificate: Option<ClientCertificate>,
}

impl Credentials {
    pub fn new(user: User) -> Self {
        Credentials {
            user,
            kept: Mutex::default(),
        }
    }

    pub fn identity(&self) -> Result<Identity, ConfigError> {
        let bearer = |token: &str| Some(format!("Bearer {token}"));
        let mut identity = Identity {
            authorization: None,
            certificate: self.user.certificate.clone(),
        };
        if let Some((name, password)) = &self.user.basic {
            let both = STANDARD.encode(format!("{name}:{password}"));
            identity.authorization = Some(format!("Basic {both}"));
        }
        if let Some(token) = &self.user.token {
            identity.authorization = bearer(token);
        }
        let mut kept = self.kept.lock().expect("no holder panics");
        if let Some(path) = &self.user.token_file {
            let fresh = kept
                .file_token
                .as_ref()
                .filter(|(_, read)| read.elapsed() < TOKEN_FILE_AGE);
            if fresh.is_none() {
                match read_token(path) {
                    Ok(token) => kept.file_token = Some((token, Instant::now())),
                    // The old one may be good for a while: the server decides.
                    Err(_) if kept.file_token.is_some() => {}
                    Err(error) => return Err(error),
                }
            }
            identity.authorization = kept.file_token.as_ref().and_then(|(t, _)| bearer(t));
        }
        if let (Some(exec), None) = (&self.user.exec, &identity.authorization) {
            if kept.exec.as_ref().is_none_or(is_expired) {
                kept.exec = None;
                kept.exec = Some(exec.run()?);
            }
            let credential = kept.exec.as_ref().expect("set just above");
            identity.authorization = credential.token.as_deref().and_then(bearer);
            if let Some(certificate) = &credential.certificate {
                identity.certificate = Some(certificate.clone());
            }
        }
        Ok(identity)
    }

    /// The server answered 401: what is kept is asked for anew. False where
    /// there is nothing that could be.
    pub fn refused(&self) -> bool {
        let mut kept = self.kept.lock().expect("no holder panics");
        let had_any = kept.file_token.is_some() || kept.exec.is_some();
        *kept = Kept::default();
        had_any
    }

    pub fn impersonate(&self) -> &[(&'static str, String)] {
        &self.user.impersonate
    }
}

fn is_expired(credential: &ExecCredential) -> bool {
    credential
        .expires
        .is_some_and(|expires| jiff::Timestamp::now() + EXPIRY_LEEWAY >= expires)
}
