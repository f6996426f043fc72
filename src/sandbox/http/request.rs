//! What a request asks for: its path and its query as values.

use crate::sandbox::status::Refusal;
use std::collections::BTreeMap;

/// A path below /api or /apis, taken apart; nothing here knows whether such
/// a resource exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourcePath {
    pub group: String,
    pub version: String,
    pub namespace: String,
    pub resource: String,
    pub name: String,
    pub subresource: String,
    /// The deprecated `/api/v1/watch/...`.
    pub is_watch: bool,
}

/// The parsed query: the last value of each key, and all values of dryRun.
#[derive(Clone, Debug, Default)]
pub struct Query(BTreeMap<String, Vec<String>>);

impl ResourcePath {
    /// None for paths that name no resource (`/api`, `/apis/apps/v1`).
    pub fn parse(path: &str) -> Option<Self> {
        let mut steps = path
            .split('/')
            .filter(|step| !step.is_empty())
            .map(unescape);
        let mut found = ResourcePath::default();
        match steps.next()?.as_str() {
            "api" => {}
            "apis" => found.group = steps.next()?,
            _ => return None,
        }
        found.version = steps.next()?;
        let mut rest: Vec<String> = steps.collect();
        if rest.first().is_some_and(|step| step == "watch") && rest.len() > 1 {
            rest.remove(0);
            found.is_watch = true;
        }
        if rest.first()? == "namespaces" && rest.len() > 1 {
            let namespace = rest[1].clone();
            // namespaces/NAME[/status|/finalize] is the Namespace itself.
            let is_itself = rest.len() == 2
                || (rest.len() == 3 && matches!(rest[2].as_str(), "status" | "finalize"));
            if is_itself && found.group.is_empty() {
                found.resource = "namespaces".to_owned();
                found.name = namespace.clone();
                // Namespaces are cluster-wide: their own name is no scope.
                found.subresource = rest.get(2).cloned().unwrap_or_default();
                return Some(found);
            }
            found.namespace = namespace;
            rest.drain(..2);
        }
        let mut rest = rest.into_iter();
        found.resource = rest.next()?;
        found.name = rest.next().unwrap_or_default();
        found.subresource = rest.collect::<Vec<_>>().join("/");
        Some(found)
    }
}

impl Query {
    pub fn parse(text: &str) -> Self {
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            keys.entry(unescape_plus(key))
                .or_default()
                .push(unescape_plus(value));
        }
        Query(keys)
    }

    /// The first value, as Go's url.Values.Get.
    pub fn get(&self, key: &str) -> &str {
        self.0
            .get(key)
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// As Kubernetes converts query values: only "", "0" and "false" (any
    /// case) are false, an absent key too.
    pub fn flag(&self, key: &str) -> bool {
        self.0
            .get(key)
            .and_then(|values| values.first())
            .is_some_and(|value| !(value == "0" || value.eq_ignore_ascii_case("false")))
    }

    pub fn number(&self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.get(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Refusal::bad_request(format!(
                    "strconv.ParseInt: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }

    pub fn dry_run(&self) -> &[String] {
        self.0.get("dryRun").map(Vec::as_slice).unwrap_or_default()
    }
}

fn unescape_plus(text: &str) -> String {
    unescape(&text.replace('+', " "))
}

/// Percent decoding; a broken escape stays as it is.
fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &[&str; 6]) {
        let found = ResourcePath::parse(path).expect("a resource path");
        let shown = [
            &found.group,
            &found.version,
            &found.namespace,
            &found.resource,
            &found.name,
            &found.subresource,
        ];
        assert_eq!(shown.map(String::as_str), *expected, "{path}");
    }

    #[test]
    fn takes_paths_apart() {
        check("/api/v1/pods", &["", "v1", "", "pods", "", ""]);
        check(
            "/api/v1/namespaces/a",
            &["", "v1", "", "namespaces", "a", ""],
        );
        check(
            "/api/v1/namespaces/a/finalize",
            &["", "v1", "", "namespaces", "a", "finalize"],
        );
        check(
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            &["apps", "v1", "a", "deployments", "b", "scale"],
        );
        check(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aadmin",
            &[
                "rbac.authorization.k8s.io",
                "v1",
                "",
                "clusterroles",
                "system:admin",
                "",
            ],
        );
        assert_eq!(ResourcePath::parse("/apis/apps/v1"), None);
        assert_eq!(ResourcePath::parse("/version"), None);
    }

    #[test]
    fn reads_flags_as_the_server_does() {
        let query = Query::parse("watch=1&force=false&labelSelector=a%3Db%2Cc&empty=");
        assert!(query.flag("watch"));
        assert!(!query.flag("force"));
        assert!(!query.flag("absent"));
        assert_eq!(query.get("labelSelector"), "a=b,c");
    }
}
