//! The real sshd on a port of loopback: one `sshd -i` for each connection, as
//! the user who runs the tests.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

const SSHD: &str = "/usr/sbin/sshd";

pub struct SshServer {
    pub port: u16,
    pub user: String,
    folder: PathBuf,
    is_over: Arc<AtomicBool>,
    children: Arc<Mutex<Vec<Child>>>,
}

impl SshServer {
    /// `None`, with a line that says so, where sshd or git is missing.
    /// `settings` are lines of sshd_config.
    pub fn start(folder: &Path, settings: &str) -> Option<Self> {
        if !super::git_server::is_installed() {
            return None;
        }
        if !Path::new(SSHD).exists() {
            println!("not run: sshd is not installed (Debian: openssh-server)");
            return None;
        }
        let user = output("id", &["-un"]).trim().to_owned();
        if user == "root" {
            // sshd wants it, empty, when it runs as root; booting makes it.
            fs::create_dir_all("/run/sshd").expect("root may");
        }
        let folder = folder.to_owned();
        for kind in ["ed25519", "rsa"] {
            keygen(&folder.join(format!("host_{kind}")), &["-t", kind]);
        }
        fs::write(folder.join("authorized"), "").expect("writes");
        let at = folder.display();
        let config = format!(
            "HostKey {at}/host_ed25519\nHostKey {at}/host_rsa\nAuthorizedKeysFile {at}/authorized\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nPidFile none\nLogLevel ERROR\n{settings}\n"
        );
        fs::write(folder.join("sshd_config"), config).expect("writes");
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let is_over = Arc::new(AtomicBool::new(false));
        let children = Arc::new(Mutex::new(Vec::new()));
        let (over, kept, path) = (
            Arc::clone(&is_over),
            Arc::clone(&children),
            folder.join("sshd_config"),
        );
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let output = stream.try_clone().expect("clones");
                let child = Command::new(SSHD)
                    .arg("-i")
                    .arg("-f")
                    .arg(&path)
                    .stdin(Stdio::from(OwnedFd::from(stream)))
                    .stdout(Stdio::from(OwnedFd::from(output)))
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("sshd starts");
                kept.lock().expect("is whole").push(child);
            }
        });
        Some(Self {
            port,
            user,
            folder,
            is_over,
            children,
        })
    }

    /// A fresh key that may log in: what `sshPrivateKey` would hold.
    pub fn key(&self, name: &str, options: &[&str]) -> String {
        let path = self.folder.join(name);
        keygen(&path, options);
        let public = fs::read_to_string(path.with_extension("pub")).expect("is there");
        let authorized = self.folder.join("authorized");
        let all = fs::read_to_string(&authorized).expect("is there") + &public;
        fs::write(authorized, all).expect("writes");
        fs::read_to_string(path).expect("is there")
    }

    /// The host's public key, as it stands in known hosts after the name.
    pub fn host_key(&self, kind: &str) -> String {
        let path = self.folder.join(format!("host_{kind}.pub"));
        let text = fs::read_to_string(path).expect("is there");
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// A line of known hosts for it.
    pub fn known(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key("ed25519"))
    }

    /// The same, its name hashed by ssh-keygen.
    pub fn hashed(&self) -> String {
        let path = self.folder.join("to_hash");
        fs::write(&path, self.known() + "\n").expect("writes");
        output("ssh-keygen", &["-H", "-f", path.to_str().expect("UTF-8")]);
        fs::read_to_string(path).expect("is there")
    }

    pub fn url(&self, path: &Path) -> String {
        let (user, port) = (&self.user, self.port);
        format!("ssh://{user}@127.0.0.1:{port}{}", path.display())
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        for mut child in self.children.lock().expect("is whole").drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn keygen(path: &Path, options: &[&str]) {
    let path = path.to_str().expect("UTF-8");
    let mut all = vec!["-q", "-f", path, "-C", "test"];
    if !options.contains(&"-N") {
        all.extend(["-N", ""]);
    }
    all.extend(options);
    output("ssh-keygen", &all);
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect(program);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    String::from_utf8(output.stdout).expect("is text")
}
