//! Manifests of the tests, in a line each.

/// A ConfigMap with annotations of Argo CD: `hook=PreSync sync-wave=1`.
pub fn config(name: &str, annotations: &str) -> String {
    object("v1", "ConfigMap", name, annotations, "data: {a: x}\n")
}

/// A Job that ends by itself.
pub fn job(name: &str, annotations: &str) -> String {
    job_with(name, annotations, "")
}

/// A Job that nobody runs: it never ends.
pub fn stuck_job(name: &str, annotations: &str) -> String {
    job_with(name, annotations, "  suspend: true\n")
}

/// A Job whose pod fails, on either cluster.
pub fn failing_job(name: &str, annotations: &str) -> String {
    let text = job(name, annotations);
    text.replacen(
        "  annotations:\n",
        "  annotations:\n    sandbox.drupelet.io/fail: Error\n",
        1,
    )
}

fn job_with(name: &str, annotations: &str, more: &str) -> String {
    let spec = format!(
        "spec:\n{more}  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{{name: a, image: example.com/a}}]\n"
    );
    object("batch/v1", "Job", name, annotations, &spec)
}

pub fn object(api: &str, kind: &str, name: &str, annotations: &str, rest: &str) -> String {
    let mut lines = String::new();
    for word in annotations.split_whitespace() {
        let (key, value) = word.split_once('=').expect("key=value");
        lines.push_str(&format!("    argocd.argoproj.io/{key}: \"{value}\"\n"));
    }
    let annotations = match lines.as_str() {
        "" => String::new(),
        lines => format!("  annotations:\n{lines}"),
    };
    let name = match name.strip_suffix('*') {
        Some(prefix) => format!("  generateName: {prefix}\n"),
        None => format!("  name: {name}\n"),
    };
    format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n{name}{annotations}{rest}---\n")
}
