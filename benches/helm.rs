//! The whole process beside `helm template`, over the corpus: wall time and
//! peak memory, both as the median of some runs, chart by chart.
//!
//! ```text
//! cargo bench --bench helm
//! ```
//! `DRUPELET_BINARY` names another binary than cargo's, with `--profile dev` before
//! `--bench`. `HELM` names the original, else ~/.cache/drupelet/bin/helm; the corpus is
//! `DRUPELET_CORPUS`, else ../shared/corpus.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is measured: `DRUPELET_BINARY`, else the one that cargo built.
fn binary() -> PathBuf {
    std::env::var_os("DRUPELET_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_drupelet").into(), PathBuf::from)
}

/// Runs of each chart, of which the median counts.
const RUNS: usize = 9;
/// What the largest chart may take at most, in KiB.
const LARGEST: (&str, u64) = ("kube-prometheus-stack", 25 * 1024);

struct Measured {
    time: Duration,
    /// KiB
    peak: u64,
}

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
        let ours = measure(&binary, &["render", "helm", "release"], &archive, &flags);
        let theirs = measure(&original, &["template", "release"], &archive, &flags);
        let faster = theirs.time.as_secs_f64() / ours.time.as_secs_f64();
        let share = ours.peak as f64 / theirs.peak as f64;
        println!(
            "{name:32} {:9.2?} {:9.2?} {faster:6.1} x   {:6} KiB {:6} KiB {share:7.2}",
            ours.time, theirs.time, ours.peak, theirs.peak
        );
        if name == LARGEST.0 && ours.peak > LARGEST.1 {
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

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        0 => (numbers[middle - 1] + numbers[middle]) / 2.0,
        _ => numbers[middle],
    }
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

/// Time and peak are taken apart: the program that tells the peak takes its own
/// time to start.
fn measure(program: &Path, arguments: &[&str], chart: &Path, flags: &[OsString]) -> Measured {
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        let status = Command::new(program)
            .args(arguments)
            .arg(chart)
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it starts");
        times.push(start.elapsed());
        assert!(
            status.success(),
            "{} {}",
            program.display(),
            chart.display()
        );
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%M"])
            .arg(program)
            .args(arguments)
            .arg(chart)
            .args(flags)
            .stdout(Stdio::null())
            .output()
            .expect("/usr/bin/time is installed");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let peak = words
            .lines()
            .last()
            .and_then(|line| line.trim().parse().ok());
        peaks.push(peak.expect("time prints the peak"));
    }
    times.sort();
    peaks.sort_unstable();
    Measured {
        time: times[RUNS / 2],
        peak: peaks[RUNS / 2],
    }
}
