//! Asking the server what it serves.

use super::client::Client;
use super::discovery::{Discovery, Group, Part, Version, document};
use super::error::{Attempt, Error};
use super::list::MAX_OBJECT_BYTES;
use super::request::{Draft, JSON};
use kube_core::discovery::v2::ACCEPT_AGGREGATED_DISCOVERY_V2;
use serde::de::DeserializeOwned;
use std::io::{BufReader, Read};
use std::sync::{Arc, LazyLock};

/// The aggregated documents, or what a server before 1.26 has instead.
static ACCEPT: LazyLock<String> =
    LazyLock::new(|| format!("{ACCEPT_AGGREGATED_DISCOVERY_V2},{JSON}"));

/// The version of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerVersion {
    /// `v1.34.4`, with `+k3s1` and the like behind it.
    pub git_version: String,
    pub major: String,
    /// Managed clusters write `34+`.
    pub minor: String,
}

impl Client {
    pub fn version(&self) -> Result<ServerVersion, Error> {
        let draft = Draft::get("/version");
        let attempt = Attempt::on_path("get", "/version");
        self.document(&draft, &attempt)
    }

    /// What is served now. Where the server says that nothing changed since
    /// `last`, that is what comes back, the very same.
    pub fn discover(&self, last: Option<&Arc<Discovery>>) -> Result<Arc<Discovery>, Error> {
        let old = |at: usize| last.and_then(|last| last.parts.get(at));
        let parts = vec![
            self.part("/api", old(0), Self::core_groups)?,
            self.part("/apis", old(1), Self::named_groups)?,
        ];
        match last {
            Some(last) if last.parts == parts => Ok(Arc::clone(last)),
            _ => Ok(Arc::new(Discovery { parts })),
        }
    }

    fn part(
        &self,
        path: &str,
        old: Option<&Arc<Part>>,
        unaggregated: fn(&Self, &serde_json::Value, &Attempt) -> Result<Vec<Group>, Error>,
    ) -> Result<Arc<Part>, Error> {
        let attempt = Attempt::on_path("discover", path);
        let draft = Draft {
            accept: &ACCEPT,
            if_none_match: old.and_then(|part| part.etag.clone()),
            ..Draft::get(path)
        };
        let found = self.run(&draft, &attempt, &mut |response| {
            if response.status().as_u16() == 304 {
                return Ok(None);
            }
            let etag = response.headers().get(::http::header::ETAG);
            let etag = etag.and_then(|etag| Some(etag.to_str().ok()?.to_owned()));
            let mut body = Vec::new();
            let broken = |error| self.broken_body(&draft, &attempt, error);
            response
                .into_body()
                .into_reader()
                .take(MAX_OBJECT_BYTES)
                .read_to_end(&mut body)
                .map_err(|error| broken(serde_json::Error::io(error)))?;
            let document: document::Aggregated = serde_json::from_slice(&body).map_err(broken)?;
            if document.kind == document::Aggregated::KIND {
                let groups = document.into_groups();
                return Ok(Some((Part { etag, groups }, None)));
            }
            let plain = serde_json::from_slice(&body).map_err(broken)?;
            Ok(Some((Part::default(), Some(plain))))
        })?;
        match (found, old) {
            (Some((part, None)), _) => Ok(Arc::new(part)),
            (Some((_, Some(plain))), _) => {
                let groups = unaggregated(self, &plain, &attempt)?;
                Ok(Arc::new(Part { etag: None, groups }))
            }
            (None, Some(old)) => Ok(Arc::clone(old)),
            (None, None) => Err(self.odd(&attempt, "304 without having been asked for it")),
        }
    }

    fn core_groups(
        &self,
        plain: &serde_json::Value,
        attempt: &Attempt,
    ) -> Result<Vec<Group>, Error> {
        let core: document::CoreVersions = self.plain(plain, attempt)?;
        let versions = core.versions.iter().map(|version| {
            let path = format!("/api/{version}");
            self.group_version("", version, &path)
        });
        Ok(vec![Group {
            name: String::new(),
            versions: versions.collect::<Result<_, _>>()?,
        }])
    }

    fn named_groups(
        &self,
        plain: &serde_json::Value,
        attempt: &Attempt,
    ) -> Result<Vec<Group>, Error> {
        let list: document::GroupList = self.plain(plain, attempt)?;
        let group = |entry: &document::GroupEntry| {
            let versions = entry.ordered_versions().into_iter().map(|version| {
                let path = format!("/apis/{}/{version}", entry.name);
                self.group_version(&entry.name, version, &path)
            });
            Ok(Group {
                versions: versions.collect::<Result<_, Error>>()?,
                name: entry.name.clone(),
            })
        };
        list.groups.iter().map(group).collect()
    }

    /// An aggregated API that does not answer must not hide all the others.
    fn group_version(&self, group: &str, name: &str, path: &str) -> Result<Version, Error> {
        let attempt = Attempt::on_path("discover", path);
        let list: Result<document::ResourceList, Error> =
            self.document(&Draft::get(path), &attempt);
        let (stale, resources) = match list {
            Ok(list) => (false, list.into_resources(group, name)),
            Err(error) if error.code() >= 500 || error.is_kind_not_served() => (true, Vec::new()),
            Err(error) => return Err(error),
        };
        Ok(Version {
            name: name.to_owned(),
            stale,
            resources,
        })
    }

    fn document<T: DeserializeOwned>(&self, draft: &Draft, attempt: &Attempt) -> Result<T, Error> {
        self.run(draft, attempt, &mut |response| {
            let limited = response.into_body().into_reader().take(MAX_OBJECT_BYTES);
            serde_json::from_reader(BufReader::new(limited))
                .map_err(|error| self.broken_body(draft, attempt, error))
        })
    }

    fn plain<T: DeserializeOwned>(
        &self,
        plain: &serde_json::Value,
        attempt: &Attempt,
    ) -> Result<T, Error> {
        T::deserialize(plain).map_err(|error| self.odd(attempt, &error.to_string()))
    }
}
