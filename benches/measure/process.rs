//! Whole processes: which binary, how long, how large.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is measured: `DRUPELET_BINARY`, else the one that cargo built.
pub fn binary() -> PathBuf {
    std::env::var_os("DRUPELET_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_drupelet").into(), PathBuf::from)
}

/// Time and peak in KiB of a command, both the median of so many runs. They are
/// taken apart: the program that tells the peak takes its own time to start.
pub fn measure(program: &Path, arguments: &[&OsStr], n_runs: usize) -> (Duration, u64) {
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..n_runs {
        let begun = Instant::now();
        let status = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it starts");
        times.push(begun.elapsed());
        assert!(status.success(), "{} {arguments:?}", program.display());
        peaks.push(peak(program, arguments));
    }
    times.sort();
    peaks.sort_unstable();
    (times[n_runs / 2], peaks[n_runs / 2])
}

fn peak(program: &Path, arguments: &[&OsStr]) -> u64 {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .output()
        .expect("/usr/bin/time is installed");
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or_default();
    last.trim().parse().expect("time prints the peak")
}

/// Between the two in the middle, where their number is even.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        0 => (numbers[middle - 1] + numbers[middle]) / 2.0,
        _ => numbers[middle],
    }
}
