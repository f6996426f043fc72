//! The whole process beside `kustomize build` over the corpus, and an overlay
//! of 100 resources inside the process.
//!
//! ```text
//! cargo bench --bench kustomize
//! ```
//! `DRUPELET_BINARY` names another binary than cargo's, with `--profile dev` before
//! `--bench`. `KUSTOMIZE` names the original, else ~/.cache/drupelet/bin/kustomize; the
//! corpus is `DRUPELET_CORPUS`, else ../shared/corpus.

#[path = "measure/process.rs"]
mod process;

use drupelet::kustomize::{Nothing, Options, build};
use drupelet::tree::MemoryTree;
use process::{binary, measure, median};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs of each case, of which the median counts.
const RUNS: usize = 5;

fn main() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(beside, PathBuf::from);
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let original = std::env::var_os("KUSTOMIZE")
        .map_or_else(|| home.join(".cache/drupelet/bin/kustomize"), PathBuf::from);
    match (fs::read_dir(corpus.join("kustomize")), original.is_file()) {
        (Ok(entries), true) => whole_process(entries, &original),
        _ => println!(
            "not run: no {} or no {}",
            corpus.display(),
            original.display()
        ),
    }
    overlay();
}

fn whole_process(entries: fs::ReadDir, original: &Path) {
    let binary = binary();
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for entry in entries {
        let case = entry.expect("the corpus is readable").path();
        let Ok(target) = fs::read_to_string(case.join("target")) else {
            continue;
        };
        let folder = case.join("in").join(target.trim());
        let at = folder.as_os_str();
        let ours = ["render".as_ref(), "kustomize".as_ref(), at];
        let ours = measure(&binary, &ours, RUNS);
        let theirs = measure(original, &["build".as_ref(), at], RUNS);
        let name = case
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let time = theirs.0.as_secs_f64() / ours.0.as_secs_f64();
        let size = theirs.1 as f64 / ours.1 as f64;
        println!(
            "{name:64} {:8.2?} {:8.2?} {time:6.1} x   {:6} {:6} KiB {size:5.1} x",
            ours.0, theirs.0, ours.1, theirs.1
        );
        times.push(time);
        sizes.push(size);
    }
    for (what, mut ratios) in [("faster", times), ("less memory", sizes)] {
        let n_cases = ratios.len();
        println!(
            "median over {n_cases} cases: {:.1} x {what}",
            median(&mut ratios)
        );
    }
}

/// 100 resources with everything that an overlay usually does.
fn overlay() {
    let mut tree = MemoryTree::default();
    let mut resources = String::new();
    for at in 0..50 {
        resources.push_str(&format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{at}\nspec:\n  selector:\n    matchLabels: {{app: web-{at}}}\n  template:\n    metadata:\n      labels: {{app: web-{at}}}\n    spec:\n      containers:\n      - name: web\n        image: nginx:1\n        envFrom:\n        - configMapRef: {{name: settings}}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web-{at}\nspec:\n  selector: {{app: web-{at}}}\n  ports: [{{port: 80}}]\n---\n"
        ));
    }
    let files = [
        ("base/kustomization.yaml", "resources: [all.yaml]\nconfigMapGenerator:\n- {name: settings, literals: [a=b]}\n".to_owned()),
        ("base/all.yaml", resources),
        ("app/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\nnamespace: apps\nlabels:\n- {pairs: {team: a}, includeSelectors: true}\nimages:\n- {name: nginx, newTag: '2'}\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 2}\n".to_owned()),
    ];
    for (path, text) in files {
        tree.files.insert(path.to_owned(), text.into());
    }
    let options = Options {
        root_only: true,
        fetched: &Nothing,
        helm: None,
        adjust: &|_| Ok(()),
    };
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let start = Instant::now();
            let built = build(&tree, "app", &options).expect("the overlay builds");
            assert_eq!(built.resources.len(), 101);
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "an overlay of 101 resources: median {:.2?}, slowest {:.2?}",
        times[25], times[49]
    );
}
