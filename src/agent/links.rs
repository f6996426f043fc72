//! Where an application is reached, for `status.summary.externalURLs`: the
//! hosts of its Ingresses and the links that annotations name.

use crate::object::Object;
use crate::value::Value;
use std::collections::BTreeSet;

/// `link.argocd.argoproj.io/NAME: URL`.
const LINK_PREFIX: &str = "link.argocd.argoproj.io/";
/// `true`: only the links that the annotations name.
const IGNORE_DEFAULT: &str = "argocd.argoproj.io/ignore-default-links";

/// Adds the links of a desired object.
pub(super) fn collect_links(object: &Object, links: &mut BTreeSet<String>) {
    let annotations = object.at(&["metadata", "annotations"]);
    if let Some(annotations) = annotations.and_then(Value::as_map) {
        for (name, text) in annotations.iter() {
            if let (true, Some(text)) = (name.starts_with(LINK_PREFIX), text.as_str()) {
                // A title may stand before the URL.
                let link = text.rsplit('|').next().unwrap_or_default();
                links.insert(link.to_owned());
            }
        }
    }
    let is_ingress = object.kind() == "Ingress"
        && matches!(
            object.gvk().group.as_str(),
            "networking.k8s.io" | "extensions"
        );
    if !is_ingress || object.annotation(IGNORE_DEFAULT) == Some("true") {
        return;
    }
    let secured = object.at(&["spec", "tls"]).and_then(Value::as_seq);
    let secured = secured.unwrap_or_default();
    let rules = object.at(&["spec", "rules"]).and_then(Value::as_seq);
    for rule in rules.unwrap_or_default() {
        let Some(host) = rule.get("host").and_then(Value::as_str) else {
            continue;
        };
        let is_secured = secured.iter().any(|tls| {
            let hosts = tls.get("hosts").and_then(Value::as_seq);
            let mut hosts = hosts.unwrap_or_default().iter();
            tls.get("secretName").is_some() || hosts.any(|one| one.as_str() == Some(host))
        });
        let scheme = if is_secured { "https" } else { "http" };
        let paths = rule.get("http").and_then(|http| http.get("paths"));
        for path in paths.and_then(Value::as_seq).unwrap_or_default() {
            let path = path.get("path").and_then(Value::as_str).unwrap_or_default();
            let path = path.strip_suffix('*').unwrap_or(path);
            links.insert(format!("{scheme}://{host}{path}"));
        }
    }
}
