//! The whole process beside `helm template`, over the corpus: wall time and
//! peak memory, both as the median of some runs, chart by chart.
//!
//! ```text
//! cargo bench --bench helm
//! ```
//! `DRUPELET_BINARY` names another binary than cargo's, with `--profile dev` before
//! `--bench`. `HELM` names the original, else ~/.cache/drupelet/bin/helm; the corpus is
//! `DRUPELET_CORPUS`, else ../shared/corpus.

#[path = "measure/process.rs"]
mod process;

use process::{binary, measure, median};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// Runs of each chart, of which the median counts.
const RUNS: usize = 9;
/// What the largest chart may take at most, in KiB.
const LARGEST: (&str, u64) = ("kube-prometheus-stack", 25 * 1024);

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = std::env::var_os("DRUPELET_CORPUS")
        .map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let original = std::env::var_os("HELM")
        .map_or_else(|| home.join(".cache/drupelet/bin/helm"), PathBuf::from);
    let charts = corpus.join("charts");
    let (Ok(entries), true) = (fs::read_dir(&charts), original.is_file()) else {
        println!(
            "not run: no {} or no {}",
            charts.display(),
            original.display()
        );
        return;
    };
    let mut archives: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the corpus is readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .collect();
    archives.sort();
    let binary = binary();
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    println!(
        "{:32} {:>9} {:>9} {:>8}   {:>10} {:>10} {:>7}",
        "chart", "ours", "helm", "faster", "ours", "helm", "share"
    );
    for archive in archives {
        let name = chart_name(&archive);
        let flags = flags(root, &name);
        let of = |program: &Path, command: &[&str]| {
            let mut arguments: Vec<&OsStr> = command.iter().map(OsStr::new).collect();
            arguments.extend([OsStr::new("release"), archive.as_os_str()]);
            arguments.extend(flags.iter().map(OsString::as_os_str));
            measure(program, &arguments, RUNS)
        };
        let (time, peak) = of(&binary, &["render", "helm"]);
        let (their_time, their_peak) = of(&original, &["template"]);
        let faster = their_time.as_secs_f64() / time.as_secs_f64();
        let share = peak as f64 / their_peak as f64;
        println!(
            "{name:32} {time:9.2?} {their_time:9.2?} {faster:6.1} x   {peak:6} KiB {their_peak:6} KiB {share:7.2}"
        );
        if name == LARGEST.0 && peak > LARGEST.1 {
            println!("{name}: above {} KiB", LARGEST.1);
        }
        times.push(faster);
        peaks.push(share);
    }
    println!(
        "median over {} charts: {:.1} x faster, {:.2} of the peak memory",
        times.len(),
        median(&mut times),
        median(&mut peaks)
    );
}

/// `redis` of `redis-27.0.17.tgz`
fn chart_name(archive: &Path) -> String {
    let stem = archive.file_stem().unwrap_or_default().to_string_lossy();
    let is_version = |part: &str| {
        part.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let name: Vec<&str> = stem
        .split('-')
        .take_while(|part| !is_version(part))
        .collect();
    name.join("-")
}

/// A chart may need flags of its own, such as one whose schema is in the web.
fn flags(root: &Path, name: &str) -> Vec<OsString> {
    let path = root.join("tests/helm/values").join(name).join("flags");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(OsString::from).collect()
}
