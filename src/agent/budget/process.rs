//! What the process takes, as the kernel counts it.

use std::time::Duration;

/// A page of what /proc counts in: 4 KiB, or 16 KiB on a Pi 5.
fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// Resident bytes; 0 where there is no /proc.
pub fn resident() -> u64 {
    // statm(5): size resident shared …, in pages.
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * page_bytes()
}

/// CPU time of all threads, those that have ended too.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
