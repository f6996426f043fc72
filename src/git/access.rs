//! By which way, and as whom, a repository is asked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::url::RepositoryUrl;
use crate::http::Client;

/// Settings of the connection, and credentials, which go to the repository's
/// own origin only.
#[derive(Clone, Debug)]
pub struct Access {
    pub client: Client,
    pub credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { user, .. } => write!(f, "Basic({user}, ..)"),
            Self::Bearer(_) => f.write_str("Bearer(..)"),
        }
    }
}

impl Access {
    pub fn anonymous(client: Client) -> Self {
        Self {
            client,
            credentials: None,
        }
    }

    /// The value of the Authorization header: what is configured, else what
    /// the URL itself carries.
    pub(super) fn authorization(&self, url: &RepositoryUrl) -> Option<String> {
        let basic = |user: &str, password: &str| {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        };
        match &self.credentials {
            Some(Credentials::Basic { user, password }) => Some(basic(user, password)),
            Some(Credentials::Bearer(token)) => Some(format!("Bearer {token}")),
            None => {
                let password = url.password.as_deref().unwrap_or_default();
                // `https://TOKEN@host/…` is how GitHub's tokens are often given.
                url.user.as_deref().map(|user| basic(user, password))
            }
        }
    }
}
