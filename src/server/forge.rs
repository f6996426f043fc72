//! What the forges send: who signs how, and where a payload says what moved.

use crate::agent::Push;
use crate::value::Digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ring::hmac;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    GitHub,
    GitLab,
    Bitbucket,
    BitbucketServer,
    /// Gitea and Forgejo, too.
    Gogs,
    AzureDevOps,
}

/// Why a payload is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no webhook of GitHub, GitLab, Bitbucket, Gogs, Gitea, Forgejo or Azure DevOps")]
    Unknown,
    #[error("the secret is not that of {0} in argocd-secret")]
    Secret(&'static str),
    #[error("the payload cannot be read: {0}")]
    Payload(String),
}

impl Forge {
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let has = |name: &str| headers.contains_key(name);
        // Gitea, Forgejo and Gogs send GitHub's headers, too, otherwise signed.
        if has("x-gogs-event") || has("x-gitea-event") || has("x-forgejo-event") {
            Some(Forge::Gogs)
        } else if has("x-github-event") {
            Some(Forge::GitHub)
        } else if has("x-gitlab-event") {
            Some(Forge::GitLab)
        } else if has("x-hook-uuid") {
            Some(Forge::Bitbucket)
        } else if has("x-event-key") {
            Some(Forge::BitbucketServer)
        } else if has("x-vss-activityid") {
            Some(Forge::AzureDevOps)
        } else {
            None
        }
    }

    /// The key of its secret in argocd-secret.
    fn key(self) -> &'static str {
        match self {
            Forge::GitHub => "webhook.github.secret",
            Forge::GitLab => "webhook.gitlab.secret",
            Forge::Bitbucket => "webhook.bitbucket.uuid",
            Forge::BitbucketServer => "webhook.bitbucketserver.secret",
            Forge::Gogs => "webhook.gogs.secret",
            Forge::AzureDevOps => "webhook.azuredevops.password",
        }
    }

    /// Whether it is who it says; where no secret is set, anybody may be.
    pub fn verify(
        self,
        secrets: &BTreeMap<String, Vec<u8>>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let key = self.key();
        let secret = match (secrets.get(key), self) {
            (Some(secret), _) if !secret.is_empty() => secret,
            // A user name alone is no secret, but it asks for one.
            (_, Forge::AzureDevOps) if secrets.contains_key(AZURE_USER) => {
                return Err(Refusal::Secret(key));
            }
            _ => return Ok(()),
        };
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
        let is_signed = |text: Option<&str>| {
            let signature = text.and_then(Digest::from_hex);
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            signature.is_some_and(|tag| hmac::verify(&key, body, tag.as_bytes()).is_ok())
        };
        let is_known = match self {
            Forge::GitHub | Forge::BitbucketServer => {
                let signature = header("x-hub-signature-256").or(header("x-hub-signature"));
                is_signed(signature.and_then(|text| text.strip_prefix("sha256=")))
            }
            Forge::Gogs => is_signed(
                header("x-forgejo-signature")
                    .or(header("x-gitea-signature"))
                    .or(header("x-gogs-signature")),
            ),
            Forge::GitLab => is_same(header("x-gitlab-token"), secret),
            Forge::Bitbucket => is_same(header("x-hook-uuid"), secret),
            Forge::AzureDevOps => {
                let user = secrets.get(AZURE_USER).map_or(&[][..], Vec::as_slice);
                let wanted = STANDARD.encode([user, b":", secret].concat());
                let given = header("authorization").and_then(|text| text.strip_prefix("Basic "));
                is_same(given, wanted.as_bytes())
            }
        };
        match is_known {
            true => Ok(()),
            false => Err(Refusal::Secret(key)),
        }
    }

    /// The pushes of a payload; none where it tells of something else.
    pub fn pushes(self, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Push>, Refusal> {
        let event = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match self {
            Forge::GitHub if event("x-github-event") != Some("push") => Ok(Vec::new()),
            Forge::Gogs if !gogs_events(headers).any(|event| event == "push") => Ok(Vec::new()),
            Forge::GitHub | Forge::Gogs => read::<HubPush>(body).map(HubPush::pushes),
            Forge::GitLab => read::<LabPush>(body).map(LabPush::pushes),
            Forge::Bitbucket if event("x-event-key") != Some("repo:push") => Ok(Vec::new()),
            Forge::Bitbucket => read::<BucketPush>(body).map(BucketPush::pushes),
            Forge::BitbucketServer if event("x-event-key") != Some("repo:refs_changed") => {
                Ok(Vec::new())
            }
            Forge::BitbucketServer => read::<ServerPush>(body).map(ServerPush::pushes),
            Forge::AzureDevOps => read::<AzurePush>(body).map(AzurePush::pushes),
        }
    }
}

const AZURE_USER: &str = "webhook.azuredevops.username";

fn gogs_events(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    ["x-gogs-event", "x-gitea-event", "x-forgejo-event"]
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
}

/// Takes as long for every text of that length.
fn is_same(given: Option<&str>, wanted: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    let given = given.unwrap_or_default().as_bytes();
    hmac::verify(&key, given, hmac::sign(&key, wanted).as_ref()).is_ok()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Payload(error.to_string()))
}

#[derive(Deserialize)]
struct Commit {
    #[serde(default)]
    added: Option<Vec<String>>,
    #[serde(default)]
    modified: Option<Vec<String>>,
    #[serde(default)]
    removed: Option<Vec<String>>,
}

/// Forges name so many commits of a push at most; there may be more then.
const MAX_COMMITS: usize = 20;

/// `None` where the list may not be whole.
fn paths(commits: Option<Vec<Commit>>, told: Option<u64>) -> Option<BTreeSet<String>> {
    let commits = commits?;
    let n = commits.len();
    let is_whole = match told {
        Some(told) => told == n as u64,
        None => n < MAX_COMMITS,
    };
    // A force push names no commits, and may move everything.
    if n == 0 || !is_whole {
        return None;
    }
    let files = commits.into_iter().flat_map(|commit| {
        let lists = [commit.added, commit.modified, commit.removed];
        lists.into_iter().flatten().flatten()
    });
    Some(files.collect())
}

/// GitHub, Gogs, Gitea, Forgejo.
#[derive(Deserialize)]
struct HubPush {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    forced: bool,
    #[serde(default)]
    commits: Option<Vec<Commit>>,
    #[serde(default)]
    total_commits: Option<u64>,
    repository: HubRepository,
}

#[derive(Deserialize)]
struct HubRepository {
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    clone_url: String,
    #[serde(default)]
    ssh_url: String,
    #[serde(default)]
    default_branch: String,
}

impl HubPush {
    fn pushes(self) -> Vec<Push> {
        let HubRepository {
            html_url,
            clone_url,
            ssh_url,
            default_branch,
        } = self.repository;
        let paths = paths(self.commits, self.total_commits).filter(|_| !self.forced);
        vec![push(
            [html_url, clone_url, ssh_url].into(),
            self.reference,
            &default_branch,
            paths,
        )]
    }
}

fn push(
    mut urls: Vec<String>,
    reference: String,
    default_branch: &str,
    paths: Option<BTreeSet<String>>,
) -> Push {
    urls.retain(|url| !url.is_empty());
    let default = default_branch
        .strip_prefix("refs/heads/")
        .unwrap_or(default_branch);
    let is_head = reference.strip_prefix("refs/heads/") == Some(default);
    Push {
        urls,
        is_head: (!default.is_empty()).then_some(is_head),
        reference,
        paths,
    }
}

#[derive(Deserialize)]
struct LabPush {
    #[serde(default)]
    object_kind: String,
    #[serde(rename = "ref", default)]
    reference: String,
    #[serde(default)]
    project: LabProject,
    #[serde(default)]
    commits: Option<Vec<Commit>>,
    #[serde(default)]
    total_commits_count: Option<u64>,
}

#[derive(Default, Deserialize)]
struct LabProject {
    #[serde(default)]
    web_url: String,
    #[serde(default)]
    git_http_url: String,
    #[serde(default)]
    git_ssh_url: String,
    #[serde(default)]
    default_branch: Option<String>,
}

impl LabPush {
    fn pushes(self) -> Vec<Push> {
        if !matches!(self.object_kind.as_str(), "push" | "tag_push") {
            return Vec::new();
        }
        let project = self.project;
        vec![push(
            [project.web_url, project.git_http_url, project.git_ssh_url].into(),
            self.reference,
            project.default_branch.as_deref().unwrap_or_default(),
            paths(self.commits, self.total_commits_count),
        )]
    }
}

#[derive(Deserialize)]
struct BucketPush {
    push: BucketChanges,
    repository: BucketRepository,
}

#[derive(Deserialize)]
struct BucketChanges {
    #[serde(default)]
    changes: Vec<BucketChange>,
}

#[derive(Deserialize)]
struct BucketChange {
    #[serde(default)]
    new: Option<BucketReference>,
}

#[derive(Deserialize)]
struct BucketReference {
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct BucketRepository {
    links: BucketLinks,
}

#[derive(Deserialize)]
struct BucketLinks {
    html: Link,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

impl BucketPush {
    fn pushes(self) -> Vec<Push> {
        let url = self.repository.links.html.href;
        let moved = self
            .push
            .changes
            .into_iter()
            .filter_map(|change| change.new);
        moved
            .map(|moved| {
                let folder = if moved.kind == "tag" { "tags" } else { "heads" };
                let reference = format!("refs/{folder}/{}", moved.name);
                push(vec![url.clone()], reference, "", None)
            })
            .collect()
    }
}

#[derive(Deserialize)]
struct ServerPush {
    #[serde(default)]
    changes: Vec<ServerChange>,
    repository: ServerRepository,
}

#[derive(Deserialize)]
struct ServerChange {
    #[serde(rename = "ref")]
    reference: ServerReference,
}

#[derive(Deserialize)]
struct ServerReference {
    id: String,
}

#[derive(Deserialize)]
struct ServerRepository {
    #[serde(default)]
    links: ServerLinks,
}

#[derive(Default, Deserialize)]
struct ServerLinks {
    #[serde(default)]
    clone: Vec<Link>,
}

impl ServerPush {
    fn pushes(self) -> Vec<Push> {
        let links = self.repository.links.clone.into_iter();
        let urls: Vec<String> = links.map(|link| link.href).collect();
        let moved = self.changes.into_iter();
        moved
            .map(|change| push(urls.clone(), change.reference.id, "", None))
            .collect()
    }
}

#[derive(Deserialize)]
struct AzurePush {
    #[serde(rename = "eventType", default)]
    event: String,
    #[serde(default)]
    resource: AzureResource,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AzureResource {
    ref_updates: Vec<AzureUpdate>,
    repository: AzureRepository,
}

#[derive(Deserialize)]
struct AzureUpdate {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AzureRepository {
    remote_url: String,
    default_branch: String,
}

impl AzurePush {
    fn pushes(self) -> Vec<Push> {
        if self.event != "git.push" {
            return Vec::new();
        }
        let AzureRepository {
            remote_url,
            default_branch,
        } = self.resource.repository;
        let moved = self.resource.ref_updates.into_iter();
        moved
            .map(|update| push(vec![remote_url.clone()], update.name, &default_branch, None))
            .collect()
    }
}
