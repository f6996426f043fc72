//! What the process' memory is used for, as a table.

use super::subject::Subject;
use crate::memory::statistics;
use crate::value::Value;
use std::fmt::Write;

/// Of an agent that works, all of it; of one that stands by, what the kernel
/// and the allocator say.
pub fn table(subject: &Subject) -> String {
    let mut out = String::new();
    line(&mut out, "what", "count", "KiB", "KiB on disk");
    if let Some(handle) = subject.agent() {
        for usage in handle.usage() {
            let count = usage.count.to_string();
            let memory = usage.bytes.map(kib).unwrap_or_default();
            let disk = usage.disk.map(kib).unwrap_or_default();
            line(&mut out, usage.what, &count, &memory, &disk);
        }
        let budget = handle.budget();
        if let Some(memory) = budget.limits.memory {
            line(&mut out, "budget", "", &kib(memory), "");
            let count = budget.n_at_work.to_string();
            line(
                &mut out,
                "budget: promised to jobs",
                &count,
                &kib(budget.promised),
                "",
            );
        }
    }
    allocator(&mut out);
    kernel(&mut out);
    out
}

fn line(out: &mut String, what: &str, count: &str, memory: &str, disk: &str) {
    let text = format!("{what:<36}{count:>10}{memory:>12}{disk:>14}");
    let _ = writeln!(out, "{}", text.trim_end());
}

fn kib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}

fn allocator(out: &mut String) {
    let Some(text) = statistics() else {
        return;
    };
    let Ok(counted) = Value::from_json(text.as_bytes()) else {
        return;
    };
    let number = |name: &str, which: &str| {
        let number = counted.get(name)?.get(which)?.as_i64()?;
        u64::try_from(number).ok()
    };
    for (what, name, which) in [
        ("allocator: committed", "committed", "current"),
        ("allocator: committed at most", "committed", "peak"),
        ("allocator: reserved addresses", "reserved", "current"),
    ] {
        if let Some(bytes) = number(name, which) {
            line(out, what, "", &kib(bytes), "");
        }
    }
    if let Some(pages) = number("pages", "current") {
        line(out, "allocator: pages", &pages.to_string(), "", "");
    }
}

/// proc(5): smaps_rollup sums up all mappings, in kB of 1,024 bytes.
fn kernel(out: &mut String) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}"));
    let status = read("status").unwrap_or_default();
    if let Some(threads) = field(&status, "Threads:") {
        line(out, "threads", &threads.to_string(), "", "");
    }
    let Ok(rollup) = read("smaps_rollup") else {
        return;
    };
    let of = |name: &str| field(&rollup, name).unwrap_or(0) * 1024;
    let (resident, anonymous) = (of("Rss:"), of("Anonymous:"));
    line(out, "resident", "", &kib(resident), "");
    line(out, "resident: anonymous", "", &kib(anonymous), "");
    // The binary and packs: the kernel drops these pages when it needs them.
    let backed = resident.saturating_sub(anonymous);
    line(out, "resident: of files", "", &kib(backed), "");
    line(out, "swapped", "", &kib(of("Swap:")), "");
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
