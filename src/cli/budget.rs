//! `--memory-budget` and `--cpu-budget`: what the process may take.

use crate::agent::{Allocator, Limits};
use crate::memory;
use clap::Args;

/// Of the agent, where nothing else is said.
pub const DEFAULT_MEMORY: u64 = 64 << 20;

#[derive(Args, Clone, Copy, Default)]
pub struct Budget {
    /// Resident memory to keep within: 64MiB, 1Gi, `unlimited`. What would exceed it waits, or is refused with a condition [default: 64MiB for the agent]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_budget: Option<u64>,
    /// CPU time to keep within, as a share of a core: 0.5, 500m, 50%. Fetches and renders pause for it
    #[arg(long, value_name = "SHARE", value_parser = share)]
    cpu_budget: Option<f64>,
}

impl Budget {
    /// With so many bytes where the command line names none.
    pub fn limits(&self, memory: Option<u64>) -> Limits {
        Limits {
            memory: self.memory_budget.or(memory).filter(|n| *n != u64::MAX),
            cpu: self.cpu_budget,
        }
    }
}

/// The process' own allocator.
pub fn allocator() -> Allocator {
    Allocator {
        release: memory::release,
        rest: memory::rest,
        held: memory::held,
        mark: memory::mark,
        most: memory::most,
        ..Allocator::default()
    }
}

/// A quantity as Kubernetes writes it, with or without a B at its end.
fn size(text: &str) -> Result<u64, String> {
    if text == "unlimited" {
        return Ok(u64::MAX);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].trim_end_matches('B') {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err("a size like 64MiB or `unlimited` was expected".to_owned()),
    };
    let count: f64 = digits
        .parse()
        .map_err(|_| "a size like 64MiB or `unlimited` was expected".to_owned())?;
    let bytes = count * unit as f64;
    // Below, not even the binary's own pages fit.
    if !(bytes >= (8 << 20) as f64 && bytes < u64::MAX as f64) {
        return Err("at least 8MiB".to_owned());
    }
    Ok(bytes as u64)
}

fn share(text: &str) -> Result<f64, String> {
    let (digits, unit) = match (text.strip_suffix('m'), text.strip_suffix('%')) {
        (Some(digits), _) => (digits, 0.001),
        (_, Some(digits)) => (digits, 0.01),
        (None, None) => (text, 1.0),
    };
    let share = digits.parse::<f64>().map(|number| number * unit);
    match share {
        Ok(share) if (0.01..=1024.0).contains(&share) => Ok(share),
        Ok(_) => Err("at least 0.01".to_owned()),
        Err(_) => Err("a share of a core like 0.5, 500m or 50% was expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_read_as_kubernetes_writes_them() {
        for (text, bytes) in [
            ("64MiB", Some(64 << 20)),
            ("64Mi", Some(64 << 20)),
            ("64M", Some(64_000_000)),
            ("1.5GiB", Some(3 << 29)),
            ("67108864", Some(64 << 20)),
            ("unlimited", Some(u64::MAX)),
            ("1Mi", None),
            ("64 MiB", None),
            ("-64Mi", None),
            ("", None),
            ("Mi", None),
            ("infMi", None),
            ("64TiB", None),
        ] {
            assert_eq!(size(text).ok(), bytes, "{text}");
        }
        for (text, wanted) in [
            ("0.5", Some(0.5)),
            ("500m", Some(0.5)),
            ("50%", Some(0.5)),
            ("2", Some(2.0)),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("half", None),
            ("", None),
        ] {
            assert_eq!(share(text).ok(), wanted, "{text}");
        }
    }
}
