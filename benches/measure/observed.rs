//! An agent, seen by its metrics.

use super::{Running, binary, start};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

/// Where the agent's things are.
pub struct Place {
    pub folder: PathBuf,
    pub kubeconfig: PathBuf,
    pub certificate: PathBuf,
}

/// An agent, and where it serves its metrics.
pub struct Observed {
    pub process: Running,
    port: u16,
}

impl Observed {
    pub fn start(place: &Place, poll: &str) -> Self {
        Self::start_by(Command::new(binary()), place, &["--poll", poll])
    }

    /// By a command that ends as the binary.
    pub fn start_by(mut agent: Command, place: &Place, more: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        agent.args(["agent", "--kubeconfig"]).arg(&place.kubeconfig);
        agent.args(more);
        agent.arg("--cache-dir").arg(place.folder.join("cache"));
        agent.args(["--listen", &format!("127.0.0.1:{port}")]);
        // The repository brings Argo CD itself, which nothing runs here.
        agent.arg("--beside-argocd");
        let process = start(agent.env("SSL_CERT_FILE", &place.certificate));
        Observed { process, port }
    }

    pub fn metrics(&self) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        ask().unwrap_or_default()
    }

    pub fn metric(&self, name: &str) -> f64 {
        let text = self.metrics();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or(0.0)
    }

    pub fn cpu(&self) -> f64 {
        self.metric("process_cpu_seconds_total ")
    }

    pub fn polls(&self) -> f64 {
        self.metric("drupelet_git_polls_total ")
    }

    /// Applications that it compared and found in sync.
    pub fn synced(&self) -> usize {
        let text = self.metrics();
        let of_apps = text
            .lines()
            .filter(|line| line.starts_with("argocd_app_info{"));
        of_apps
            .filter(|line| line.contains("sync_status=\"Synced\""))
            .count()
    }
}
