//! Credential plugins (client.authentication.k8s.io): a program that prints a
//! token or a certificate. The one place where the client starts a process,
//! and only because the operator's kubeconfig says so.

use super::ConfigError;
use super::file::{Cluster, Exec};
use crate::http::ClientCertificate;
use serde::Deserialize;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A plugin that takes longer hangs, mostly waiting for somebody at a terminal.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
/// An ExecCredential above this is none.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;
const MAX_COMPLAINT_BYTES: u64 = 2_000;
const GROUP: &str = "client.authentication.k8s.io";

/// A program to be asked for credentials, and what it is told.
#[derive(Clone, Debug)]
pub struct ExecPlugin {
    command: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    api_version: String,
    install_hint: String,
    /// `KUBERNETES_EXEC_INFO`.
    info: String,
}

/// What it answered.
#[derive(Clone, Default, PartialEq)]
pub struct ExecCredential {
    pub token: Option<String>,
    pub certificate: Option<ClientCertificate>,
    /// None: good until the API server refuses it.
    pub expires: Option<jiff::Timestamp>,
}

impl ExecPlugin {
    pub(super) fn new(exec: Exec, cluster: &Cluster) -> Result<Self, String> {
        let version = exec.api_version.strip_prefix(GROUP).unwrap_or_default();
        if !matches!(version, "/v1" | "/v1beta1") {
            return Err(format!(
                "exec: apiVersion {:?} is none of {GROUP}/v1, {GROUP}/v1beta1",
                exec.api_version
            ));
        }
        if exec.interactive_mode == "Always" {
            return Err(format!(
                "exec: {} asks at a terminal (interactiveMode: Always), and there is none",
                exec.command
            ));
        }
        let mut spec = serde_json::json!({ "interactive": false });
        if exec.provide_cluster_info {
            spec["cluster"] = cluster_info(cluster);
        }
        let info = serde_json::json!({
            "apiVersion": exec.api_version,
            "kind": "ExecCredential",
            "spec": spec,
        });
        Ok(ExecPlugin {
            command: exec.command,
            args: exec.args,
            env: exec.env.into_iter().map(|v| (v.name, v.value)).collect(),
            api_version: exec.api_version,
            install_hint: exec.install_hint,
            info: info.to_string(),
        })
    }

    pub fn run(&self) -> Result<ExecCredential, ConfigError> {
        self.output()
            .and_then(|output| self.parse(&output))
            .map_err(|what| ConfigError::Exec {
                command: self.command.clone(),
                what,
            })
    }

    fn output(&self) -> Result<Vec<u8>, String> {
        let mut child = Command::new(&self.command)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBERNETES_EXEC_INFO", &self.info)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let hint = self.install_hint.trim();
                let gap = if hint.is_empty() { "" } else { ". " };
                format!("cannot start: {error}{gap}{hint}")
            })?;
        let stdout = drain(child.stdout.take(), MAX_OUTPUT_BYTES);
        let stderr = drain(child.stderr.take(), MAX_COMPLAINT_BYTES);
        let begin = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if begin.elapsed() < TIMEOUT => std::thread::sleep(POLL),
                Ok(None) => {
                    // It may end by itself between the two calls.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("did not end within {} s", TIMEOUT.as_secs()));
                }
                Err(error) => return Err(format!("cannot wait for it: {error}")),
            }
        };
        let output = stdout.join().unwrap_or_default();
        if status.success() {
            return Ok(output);
        }
        let complaint = stderr.join().unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint);
        Err(format!("ended with {status}: {}", complaint.trim()))
    }

    fn parse(&self, output: &[u8]) -> Result<ExecCredential, String> {
        let answer: Answer = serde_json::from_slice(output)
            .map_err(|error| format!("its output is no ExecCredential: {error}"))?;
        if answer.kind != "ExecCredential" || answer.api_version != self.api_version {
            return Err(format!(
                "printed {} {}, not {} ExecCredential",
                answer.api_version, answer.kind, self.api_version
            ));
        }
        let status = answer.status.ok_or("printed no status")?;
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(chain), Some(key)) => Some(ClientCertificate {
                chain: chain.into_bytes(),
                key: key.into_bytes(),
            }),
            (None, None) => None,
            _ => return Err("printed a certificate without its key, or a key alone".to_owned()),
        };
        let token = status.token.filter(|token| !token.is_empty());
        if token.is_none() && certificate.is_none() {
            return Err("printed neither a token nor a certificate".to_owned());
        }
        Ok(ExecCredential {
            token,
            certificate,
            expires: status.expiration_timestamp,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<jiff::Timestamp>,
}

fn cluster_info(cluster: &Cluster) -> serde_json::Value {
    let mut info = serde_json::json!({ "server": cluster.server });
    if !cluster.tls_server_name.is_empty() {
        info["tls-server-name"] = cluster.tls_server_name.clone().into();
    }
    if cluster.insecure_skip_tls_verify {
        info["insecure-skip-tls-verify"] = true.into();
    }
    if !cluster.certificate_authority_data.is_empty() {
        info["certificate-authority-data"] = cluster.certificate_authority_data.clone().into();
    }
    if !cluster.proxy_url.is_empty() {
        info["proxy-url"] = cluster.proxy_url.clone().into();
    }
    info
}

/// Reads a pipe beside the waiting, so that a talkative plugin does not block;
/// what is above the limit is read and dropped.
fn drain(pipe: Option<impl Read + Send + 'static>, limit: u64) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // A broken pipe ends the output like its end does.
            let _ = pipe.by_ref().take(limit).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        kept
    })
}
