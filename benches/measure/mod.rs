//! What the benches of the agent share: processes, and what they cost.

pub mod brassberry;

pub mod observed;

#[allow(dead_code, reason = "the benches of the agent need its binary alone")]
mod process;

pub use process::binary;

use drupelet::app::{Application, OperationPhase, SyncCode};
use drupelet::http::ProxyChoice;
use drupelet::kube::{Client, Config, ListOptions, Resource, Verbs};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(180);

pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn start(command: &mut Command) -> Running {
    let child = command.stdout(Stdio::null()).spawn();
    Running(child.expect("the binary starts"))
}

pub fn client(kubeconfig: &Path) -> Option<Client> {
    let config = Config::from_files(&[kubeconfig.to_owned()], None, ProxyChoice::Direct).ok()?;
    let client = Client::new(config).ok()?;
    client.version().ok()?;
    Some(client)
}

pub fn wait<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn applications() -> Resource {
    Resource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        kind: "Application".to_owned(),
        plural: "applications".to_owned(),
        namespaced: true,
        verbs: Verbs::default(),
        has_status: false,
    }
}

pub fn config_maps() -> Resource {
    Resource {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
        namespaced: true,
        verbs: Verbs::default(),
        has_status: false,
    }
}

pub fn synced(client: &Client) -> usize {
    let mut synced = 0;
    // Asked again in a moment where it fails.
    let _ = client.list(&applications(), &ListOptions::default(), &mut |object| {
        let status = Application::read(&object).map(|app| app.status);
        let status = status.unwrap_or_default();
        let runs = status
            .operation_state
            .is_some_and(|state| state.phase == OperationPhase::Running);
        synced += usize::from(status.sync.status == SyncCode::Synced && !runs);
    });
    synced
}

/// A field of /proc/PID/status in KiB.
pub fn status(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// utime and stime: fields 14 and 15, behind the name in parentheses.
pub fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}
