//! By which way, and as whom, a repository is asked.

use http::HeaderValue;

use super::error::Fault;
use super::ssh::Ssh;
use super::url::RepositoryUrl;
use crate::http::{Client, Credentials};

/// Settings of the connection, and credentials, which go to the repository's
/// own origin only.
#[derive(Clone, Debug)]
pub struct Access {
    pub client: Client,
    pub credentials: Option<Credentials>,
    pub ssh: Ssh,
    /// Whether pointers of Git LFS are replaced by what they stand for.
    pub lfs: bool,
}

impl Access {
    pub fn anonymous(client: Client) -> Self {
        Self {
            client,
            credentials: None,
            ssh: Ssh::default(),
            lfs: false,
        }
    }

    /// The Authorization header: what is configured, else what the URL itself
    /// carries (`https://TOKEN@host/…` is how tokens are often given).
    pub(super) fn authorization(&self, url: &RepositoryUrl) -> Result<Option<HeaderValue>, Fault> {
        let in_url = || {
            let user = url.user.clone()?;
            let password = url.password.clone().unwrap_or_default();
            Some(Credentials::Basic { user, password })
        };
        let Some(credentials) = self.credentials.clone().or_else(in_url) else {
            return Ok(None);
        };
        credentials
            .authorization()
            .map(Some)
            .ok_or_else(|| Fault::Url("the credentials hold control characters".into()))
    }
}
