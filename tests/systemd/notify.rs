//! What systemd is told, by the protocol of sd_notify(3).

use crate::support::cluster;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Short, so that the test need not wait.
const WATCHDOG: Duration = Duration::from_millis(400);

struct Service {
    agent: Child,
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Service {
    fn start(kubeconfig: &std::path::Path, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is writable");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let agent = Command::new(env!("CARGO_BIN_EXE_drupelet"))
            .args(["agent", "--kubeconfig"])
            .arg(kubeconfig)
            .args(more)
            .env_clear()
            .env("CACHE_DIRECTORY", folder.path().join("cache"))
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        Service {
            agent,
            socket,
            folder,
        }
    }

    #[track_caller]
    fn told(&self) -> String {
        let mut buffer = [0; 512];
        let length = self.socket.recv(&mut buffer).expect("it says something");
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}"))
            .arg(self.agent.id().to_string());
        assert!(kill.status().expect("kill is there").success());
    }

    /// Asks it to end; gives what it said until then, watchdog aside.
    fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let status = self.agent.wait().expect("it is our child");
        assert!(status.success(), "{status}");
        self.socket.set_nonblocking(true).expect("a socket");
        let mut said = Vec::new();
        let mut buffer = [0; 512];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            said.push(String::from_utf8_lossy(&buffer[..length]).trim().to_owned());
        }
        said.retain(|line| line != "WATCHDOG=1");
        drop(self.folder);
        said
    }
}

#[test]
fn systemd_is_told_when_the_agent_is_ready_alive_and_stopping() {
    let cluster = cluster::sandbox();
    let service = Service::start(&cluster.kubeconfig, &[]);
    let begin = Instant::now();
    let mut n_alive = 0;
    let mut is_ready = false;
    while !is_ready || n_alive < 3 {
        match service.told().as_str() {
            "READY=1" => is_ready = true,
            "WATCHDOG=1" => n_alive += 1,
            other => panic!("{other}"),
        }
        assert!(begin.elapsed() < PATIENCE);
    }
    assert_eq!(service.stop(), ["STOPPING=1"]);
}

#[test]
fn an_agent_that_stands_by_is_ready() {
    let cluster = cluster::sandbox();
    let leader = Service::start(&cluster.kubeconfig, &["--leader-elect"]);
    while leader.told() != "READY=1" {}
    let standby = Service::start(&cluster.kubeconfig, &["--leader-elect"]);
    while standby.told() != "READY=1" {}
    assert_eq!(standby.told(), "WATCHDOG=1");
    assert_eq!(standby.stop(), ["STOPPING=1"]);
    assert_eq!(leader.stop(), ["STOPPING=1"]);
}
