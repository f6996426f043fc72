//! The agent in a process of its own: what is killed, and what is measured.

use crate::world::{PATIENCE, World};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_drupelet");

pub struct AgentProcess {
    child: Child,
    out: PathBuf,
}

impl AgentProcess {
    /// `drupelet agent` for a world's Applications, over the API server of a
    /// kubeconfig.
    pub fn start(world: &World, kubeconfig: &Path, more: &[&str]) -> Self {
        Self::start_as("", world, kubeconfig, more)
    }

    /// One of several in the same world, with output and cache of its own.
    pub fn start_as(name: &str, world: &World, kubeconfig: &Path, more: &[&str]) -> Self {
        let mut program = Command::new(PROGRAM);
        program.env_clear();
        Self::spawn(program, name, world, kubeconfig, more)
    }

    /// By a command that ends as the program, with the arguments added to its
    /// own: [`PROGRAM`] is one.
    pub fn start_by(by: Command, world: &World, kubeconfig: &Path, more: &[&str]) -> Self {
        Self::spawn(by, "", world, kubeconfig, more)
    }

    fn spawn(mut by: Command, name: &str, world: &World, kubeconfig: &Path, more: &[&str]) -> Self {
        let out = world.folder().join(format!("stdout{name}"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(world.folder().join(format!("stderr{name}")))
            .expect("the folder is writable");
        let map = format!("{}={}", world.url(), world.repository.path.display());
        let child = by
            .env("HOME", world.folder())
            .arg("agent")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["--namespace", &world.control_namespace(), "--map", &map])
            .arg("--cache-dir")
            .arg(world.folder().join(format!("cache{name}")))
            .args(more)
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("the folder is writable"))
            .stderr(log)
            .spawn()
            .expect("drupelet starts");
        AgentProcess { child, out }
    }

    pub fn cache(world: &World) -> PathBuf {
        world.folder().join("cache")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// By its name without SIG.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &self.id().to_string()])
            .status();
        assert!(status.expect("kill is there").success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // One that ended by itself is dead as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end; its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("the agent does not end");
    }

    /// Where it serves /metrics, once it does.
    pub fn address(&self) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&self.out).unwrap_or_default();
            let line = text.lines().find_map(|line| line.split_once("http://"));
            if let Some((_, address)) = line {
                return address.trim().to_owned();
            }
            assert!(Instant::now() < until, "it serves no metrics: {text}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// What it answers to a GET, or the answer's first line where it fails.
    pub fn get(&self, path: &str) -> String {
        let address = self.address();
        let mut stream = TcpStream::connect(&address).expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let (head, body) = text.split_once("\r\n\r\n").expect("HTTP");
        match head.starts_with("HTTP/1.1 200") {
            true => body.to_owned(),
            false => head.lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// All counters and gauges, by name with labels.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        self.get("/metrics")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect()
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.end();
    }
}
