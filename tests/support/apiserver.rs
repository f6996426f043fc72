//! A real kube-apiserver with its etcd on loopback, from the programs that
//! `tests/apiserver/build.sh` made or `KUBEBUILDER_ASSETS` names.
//!
//! Every program ends with the test process, also when that is killed: each
//! runs under a shell that waits for the end of its standard input.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Garbage collection, namespace deletion, service accounts, workloads.
    pub controller_manager: bool,
    /// RBAC instead of a server that allows everything; the kubeconfig's user
    /// is an administrator either way.
    pub rbac: bool,
    /// A log of all that changes something.
    pub audit: bool,
}

/// Users besides the administrator, who may do as much: told apart in the log.
pub const AGENTS: [&str; 3] = ["agent-a", "agent-b", "agent-c"];

const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - {level: None, verbs: [get, list, watch]}
  - {level: Metadata}
";

/// One request that changed something, or tried to, from the server's own log.
#[derive(Clone, Debug)]
pub struct Audited {
    pub user: String,
    pub verb: String,
    /// `resource namespace/name`.
    pub object: String,
    pub code: i64,
    /// Microseconds since 1970: when it came, and when it was answered.
    pub began: i64,
    pub ended: i64,
}

pub struct ApiServer {
    // Stopped in this order.
    controllers: Option<Supervised>,
    server: Supervised,
    etcd: Supervised,
    server_command: Command,
    folder: tempfile::TempDir,
    pub url: String,
    pub ca: String,
    pub token: String,
}

impl ApiServer {
    /// None where the programs are not there, which is said in one line. With
    /// DRUPELET_REQUIRE_APISERVER set that is a failure instead.
    pub fn start(options: Options) -> Option<Self> {
        let Some(programs) = programs() else {
            let what = "no kube-apiserver: run tests/apiserver/build.sh, or set KUBEBUILDER_ASSETS";
            assert!(
                std::env::var_os("DRUPELET_REQUIRE_APISERVER").is_none(),
                "{what}"
            );
            println!("not run on a real API server: {what}");
            return None;
        };
        Some(Self::start_from(&programs, options))
    }

    /// One for all tests of this process, with the default options.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<ApiServer>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(Options::default()))
            .as_ref()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The same server as one of [`AGENTS`].
    pub fn kubeconfig_of(&self, user: &str) -> PathBuf {
        let path = self.folder.path().join(format!("kubeconfig-{user}"));
        let text = fs::read_to_string(self.kubeconfig()).expect("it was written");
        let own = format!("{}-{user}", self.token);
        fs::write(&path, text.replace(&self.token, &own)).expect("the folder is writable");
        path
    }

    /// What changed something so far, dry runs apart, in the order of its end.
    pub fn audited(&self) -> Vec<Audited> {
        let text = fs::read_to_string(self.folder.path().join("audit.log")).unwrap_or_default();
        let events = text.lines().filter_map(|line| {
            // The last line may be half there.
            drupelet::value::Value::from_json(line.as_bytes()).ok()
        });
        let audited = events.filter_map(|event| {
            let text = |path: &[&str]| {
                let found = event.at(path).and_then(drupelet::value::Value::as_str);
                found.unwrap_or_default().to_owned()
            };
            let time = |name: &str| {
                let time: Result<jiff::Timestamp, _> = text(&[name]).parse();
                time.expect("RFC 3339").as_microsecond()
            };
            if text(&["requestURI"]).contains("dryRun=") {
                return None;
            }
            let part = |name: &str| text(&["objectRef", name]);
            Some(Audited {
                user: text(&["user", "username"]),
                verb: text(&["verb"]),
                object: format!(
                    "{} {}/{}",
                    part("resource"),
                    part("namespace"),
                    part("name")
                ),
                code: match event.at(&["responseStatus", "code"]) {
                    Some(drupelet::value::Value::Int(code)) => *code,
                    _ => 0,
                },
                began: time("requestReceivedTimestamp"),
                ended: time("stageTimestamp"),
            })
        });
        audited.collect()
    }

    /// The log of `etcd`, `kube-apiserver` or `kube-controller-manager`.
    pub fn log(&self, program: &str) -> String {
        let path = self.folder.path().join(format!("{program}.log"));
        fs::read_to_string(path).unwrap_or_default()
    }

    fn start_from(programs: &Path, options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let token = format!("{:016x}", u64::from(std::process::id()) << 20 | 0x5eed);
        fs::write(
            at("tokens.csv"),
            AGENTS.iter().fold(
                format!("{token},admin,admin,system:masters\n"),
                |known, user| format!("{known}{token}-{user},{user},{user},system:masters\n"),
            ),
        )
        .expect("the folder is writable");
        let ca = write_certificates(folder.path());
        let key = rcgen::KeyPair::generate().expect("ring makes keys");
        fs::write(at("account.key"), key.serialize_pem()).expect("the folder is writable");
        fs::write(at("account.pub"), key.public_key_pem()).expect("the folder is writable");

        let [store, peer, port] = free_ports();
        let (store, peer) = (
            format!("http://127.0.0.1:{store}"),
            format!("http://127.0.0.1:{peer}"),
        );
        let mut etcd = Command::new(programs.join("etcd"));
        etcd.args(["--unsafe-no-fsync", "--log-level", "error"])
            .args(["--data-dir", &at("etcd")])
            .args(["--listen-client-urls", &store])
            .args(["--advertise-client-urls", &store])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")]);
        let etcd = Supervised::start("etcd", &etcd, folder.path());

        let mut server_command = Command::new(programs.join("kube-apiserver"));
        server_command
            .args(["--bind-address", "127.0.0.1"])
            .args(["--secure-port", &port.to_string()])
            .args(["--etcd-servers", &store])
            .args(["--tls-cert-file", &at("server.crt")])
            .args(["--tls-private-key-file", &at("server.key")])
            .args(["--client-ca-file", &at("ca.crt")])
            .args(["--token-auth-file", &at("tokens.csv")])
            .args(["--service-cluster-ip-range", "10.0.0.0/16"])
            .args(["--endpoint-reconciler-type", "none"])
            .args(["--service-account-issuer", "https://drupelet.test"])
            .args(["--service-account-key-file", &at("account.pub")])
            .args(["--service-account-signing-key-file", &at("account.key")])
            .args(["--allow-privileged", "--profiling=false"])
            .args([
                "--authorization-mode",
                if options.rbac { "RBAC" } else { "AlwaysAllow" },
            ]);
        if options.audit {
            fs::write(at("audit.yaml"), AUDIT_POLICY).expect("the folder is writable");
            server_command
                .args(["--audit-policy-file", &at("audit.yaml")])
                .args(["--audit-log-path", &at("audit.log")]);
        }
        if !options.controller_manager {
            // Nobody makes the default service account of a namespace then.
            server_command.args(["--disable-admission-plugins", "ServiceAccount"]);
        }
        let server = Supervised::start("kube-apiserver", &server_command, folder.path());

        let url = format!("https://127.0.0.1:{port}");
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{url}', certificate-authority: ca.crt}}}}]\n\
             users: [{{name: admin, user: {{token: '{token}'}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\n"
        );
        fs::write(at("kubeconfig"), kubeconfig).expect("the folder is writable");
        let mut started = ApiServer {
            controllers: None,
            server,
            etcd,
            server_command,
            folder,
            url,
            ca,
            token,
        };
        started.wait_until_ready();
        if options.controller_manager {
            started.start_controller_manager(programs);
        }
        started
    }

    fn wait_until_ready(&mut self) {
        use drupelet::http::{Client, Roots, Settings, Timeouts};
        let client = Client::new(Settings {
            roots: Roots::Only(self.ca.clone().into_bytes()),
            timeouts: Timeouts {
                connect: Duration::from_secs(5),
                ..Timeouts::default()
            },
            ..Settings::default()
        })
        .expect("our own CA");
        let bearer = format!("Bearer {}", self.token);
        let headers = [(http::header::AUTHORIZATION, bearer)];
        let begin = Instant::now();
        loop {
            let last = match client.get(&format!("{}/readyz", self.url), &headers) {
                Ok(_) => return,
                Err(error) => error.to_string(),
            };
            let ended = self.server.has_ended() || self.etcd.has_ended();
            assert!(
                begin.elapsed() < READY_WITHIN && !ended,
                "the API server does not get ready: {last}\n{}\n{}",
                self.log("etcd"),
                self.log("kube-apiserver"),
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start_controller_manager(&mut self, programs: &Path) {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let mut manager = Command::new(programs.join("kube-controller-manager"));
        manager
            .args(["--kubeconfig", &at("kubeconfig")])
            .args(["--service-account-private-key-file", &at("account.key")])
            .args(["--root-ca-file", &at("ca.crt")])
            .args(["--leader-elect=false", "--profiling=false"])
            .args(["--secure-port", "0"]);
        let folder = self.folder.path();
        self.controllers = Some(Supervised::start(
            "kube-controller-manager",
            &manager,
            folder,
        ));
    }

    /// The API server alone dies, without a goodbye.
    pub fn kill(&mut self) {
        self.server.end();
    }

    /// It is there again, at the same address with the same objects.
    pub fn start_again(&mut self) {
        let folder = self.folder.path();
        self.server = Supervised::start("kube-apiserver", &self.server_command, folder);
        self.wait_until_ready();
    }
}

/// The folder with the programs, where they are built.
fn programs() -> Option<PathBuf> {
    let folder = match std::env::var_os("KUBEBUILDER_ASSETS") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let cache = match std::env::var_os("DRUPELET_CACHE") {
                Some(cache) => PathBuf::from(cache),
                None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/drupelet"),
            };
            cache.join("apiserver").join(version())
        }
    };
    let complete = ["etcd", "kube-apiserver"]
        .iter()
        .all(|name| folder.join(name).exists());
    complete.then_some(folder)
}

/// The release that tests/apiserver/go.mod pins.
fn version() -> &'static str {
    include_str!("../apiserver/go.mod")
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .and_then(|rest| rest.split_whitespace().next())
        .expect("go.mod requires k8s.io/kubernetes")
}

/// A CA, and a certificate for loopback signed by it; gives the CA's PEM.
fn write_certificates(folder: &Path) -> String {
    let made = "rcgen makes certificates";
    let key = rcgen::KeyPair::generate().expect(made);
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect(made);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&key).expect(made).pem();
    let issuer = rcgen::Issuer::new(params, key);
    let server_key = rcgen::KeyPair::generate().expect(made);
    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let server = rcgen::CertificateParams::new(names).expect(made);
    let server = server.signed_by(&server_key, &issuer).expect(made);
    for (name, text) in [
        ("ca.crt", &ca),
        ("server.crt", &server.pem()),
        ("server.key", &server_key.serialize_pem()),
    ] {
        fs::write(folder.join(name), text).expect("the folder is writable");
    }
    ca
}

/// Ports that were free a moment ago; all are held until the last is found.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [_; N] = std::array::from_fn(|_| {
        TcpListener::bind("127.0.0.1:0").expect("loopback has a free port")
    });
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}

/// A program that is killed when this is dropped, or when this process ends.
struct Supervised(Child);

impl Supervised {
    fn start(name: &str, command: &Command, folder: &Path) -> Self {
        let log = fs::File::create(folder.join(format!("{name}.log"))).expect("a log file");
        let errors = log.try_clone().expect("a second handle");
        // `read` ends with the pipe, whose other end this process holds.
        let script = r#""$@" </dev/null & id=$!; (read _; kill -9 $id) & wait $id"#;
        let child = Command::new("sh")
            .args([
                "-c",
                &format!("exec 3<&0; {}", script.replace("read _", "read _ <&3")),
            ])
            .arg("supervisor")
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("a shell is there");
        Supervised(child)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Supervised {
    fn end(&mut self) {
        drop(self.0.stdin.take());
        // Its end is all that is waited for.
        let _ = self.0.wait();
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.end();
    }
}
