//! What the way through the server's internal types does to an object: they
//! have no stringData, and number the templates of a DaemonSet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::object::Gvk;
use crate::value::{Map, Value};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Objects are decoded and defaulted before.
pub fn through_internal(gvk: &Gvk, object: &mut Value) {
    let Some(root) = object.as_map_mut() else {
        return;
    };
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Secret") => fold_string_data(root),
        ("apps", "DaemonSet") => {
            let annotations = root.entry_map("metadata").entry_map("annotations");
            let number = annotations
                .get(TEMPLATE_GENERATION)
                .and_then(Value::as_str)
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(0);
            annotations.insert(TEMPLATE_GENERATION, number.to_string());
        }
        ("apps", "StatefulSet") => {
            let claims = root
                .get_mut("spec")
                .and_then(Value::as_map_mut)
                .and_then(|spec| spec.get_mut("volumeClaimTemplates"))
                .and_then(Value::as_seq_mut);
            for claim in claims.into_iter().flatten().filter_map(Value::as_map_mut) {
                claim.insert("apiVersion", "v1");
                claim.insert("kind", "PersistentVolumeClaim");
            }
        }
        _ => {}
    }
}

/// stringData wins over data, and is gone.
fn fold_string_data(secret: &mut Map) {
    let Some(Value::Map(texts)) = secret.remove("stringData") else {
        return;
    };
    if texts.is_empty() {
        return;
    }
    let data = secret.entry_map("data");
    for (key, text) in texts {
        let bytes = text.as_str().unwrap_or_default().as_bytes().to_vec();
        data.insert(key, STANDARD.encode(bytes));
    }
}

/// Before a new DaemonSet is stored, and after the template of one changed.
pub fn number_template(object: &mut Value, live: Option<&Value>) {
    let number = match live {
        None => 1,
        Some(live) => {
            let number = live
                .at(&["metadata", "annotations", TEMPLATE_GENERATION])
                .and_then(Value::as_str)
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(0);
            let template = ["spec", "template"];
            number + i64::from(object.at(&template) != live.at(&template))
        }
    };
    if let Some(root) = object.as_map_mut() {
        root.entry_map("metadata")
            .entry_map("annotations")
            .insert(TEMPLATE_GENERATION, number.to_string());
    }
}
