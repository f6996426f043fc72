//! A proxy in front of an API server: counts what passes, and does harm.
//!
//! It speaks plain HTTP to the client and whatever the API server speaks to
//! that one; credentials are the client's own. Each connection of the client
//! has one of its own behind it.

use super::serve::{Asked, read_request};
use drupelet::http::{ProxyChoice, Settings};
use drupelet::kube::Config;
use http::Uri;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// One request that came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`.
    pub verb: &'static str,
    pub path: String,
    pub query: String,
    pub dry_run: bool,
    /// What the client was answered; 0 where it was not.
    pub status: u16,
    /// When that was.
    pub at: Instant,
}

impl Passed {
    /// Changes something on the server.
    pub fn is_write(&self) -> bool {
        !self.dry_run && !matches!(self.verb, "get" | "list" | "watch")
    }

    fn answered(self, status: u16) -> Self {
        Passed {
            status,
            at: Instant::now(),
            ..self
        }
    }

    fn of(asked: &Asked) -> Self {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let content_type = asked.header("content-type").unwrap_or_default();
        let has_name = is_object_path(path);
        let verb = match asked.method.as_str() {
            "GET" if query.contains("watch=1") || query.contains("watch=true") => "watch",
            "GET" if has_name => "get",
            "GET" => "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" if content_type.starts_with("application/apply-patch") => "apply",
            "PATCH" => "patch",
            "DELETE" => "delete",
            other => panic!("no API request has the method {other}"),
        };
        let in_body = verb == "delete" && String::from_utf8_lossy(&asked.body).contains("dryRun");
        Passed {
            verb,
            path: path.to_owned(),
            query: query.to_owned(),
            dry_run: query.contains("dryRun=All") || in_body,
            status: 0,
            at: Instant::now(),
        }
    }
}

/// `/apis/apps/v1/namespaces/n/deployments/d`, not `.../deployments`.
fn is_object_path(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let n_prefix = match segments.next() {
        Some("api") => 1,
        Some("apis") => 2,
        // /version, /readyz, /openapi
        _ => return true,
    };
    let rest: Vec<_> = segments.skip(n_prefix).collect();
    match rest.as_slice() {
        // Discovery documents.
        [] => true,
        ["namespaces", _, _] | [_] => false,
        _ => true,
    }
}

/// What is done to a request instead of passing it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// 409: the object has been modified.
    VersionConflict,
    /// 409: another field manager owns `.spec`.
    FieldConflict,
    /// 429 with Retry-After in seconds.
    TooManyRequests(u32),
    /// 403 by an admission plugin, with its words.
    Forbidden(&'static str),
    /// 500 with a Status.
    ServerError,
    /// 503 with a page of a proxy.
    BadPage,
    /// The connection ends before the server hears of it.
    DropBefore,
    /// The server does it, and the connection ends without the answer.
    DropAfter,
    /// No answer, for as long as the proxy lives.
    Hang,
    /// Passed on after a while.
    Late(Duration),
}

type Matches = Box<dyn Fn(&Passed) -> bool + Send>;

struct Rule {
    matches: Matches,
    harm: Harm,
    times_left: usize,
}

/// When the proxy stands still around a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The server did it; the client does not hear of it.
    BeforeAnswer,
    /// The client has its answer; nothing passes after it.
    AfterAnswer,
}

#[derive(Default)]
struct State {
    passed: Vec<Passed>,
    rules: Vec<Rule>,
    /// After this many more writes the proxy stands still.
    hold: Option<(usize, Hold)>,
    held: bool,
    /// How often it was released.
    releases: u64,
    stopped: bool,
    /// Open watches: the client's side of each.
    watches: Vec<TcpStream>,
    connections: Vec<TcpStream>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    writing: Mutex<()>,
    upstream: Upstream,
}

struct Upstream {
    host: String,
    port: u16,
    tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
}

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
    port: u16,
}

impl Proxy {
    /// In front of the server of a kubeconfig.
    pub fn start(kubeconfig: &Path) -> Self {
        let config = Config::from_files(&[kubeconfig.to_owned()], None, ProxyChoice::Direct)
            .expect("the kubeconfig is usable");
        let uri: Uri = config.server.parse().expect("its server is a URL");
        let host = uri.host().expect("with a host").to_owned();
        let is_tls = uri.scheme_str() == Some("https");
        let client = drupelet::http::Client::new(Settings {
            roots: config.roots,
            client_certificate: config.user.certificate,
            insecure: config.insecure,
            ..Settings::default()
        })
        .expect("its certificates are usable");
        let name = ServerName::try_from(host.clone()).expect("a name");
        let upstream = Upstream {
            host,
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            tls: is_tls.then(|| (client.tls(), name)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let url = format!("http://127.0.0.1:{port}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = config.user.token.unwrap_or_default();
        let user = if token.is_empty() {
            String::new()
        } else {
            format!("token: '{token}'")
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{url}'}}}}]\n\
             users: [{{name: test, user: {{{user}}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n"
        );
        std::fs::write(folder.path().join("kubeconfig"), text).expect("the folder is writable");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            writing: Mutex::default(),
            upstream,
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.state().stopped {
                    break;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    let closer = stream.try_clone();
                    // A side that went away is what this proxy is for.
                    let _ = shared.serve(stream);
                    if let Ok(closer) = closer {
                        let _ = closer.shutdown(Shutdown::Both);
                    }
                });
            }
        });
        Proxy {
            url,
            shared,
            folder,
            port,
        }
    }

    /// For the client; with the token of the kubeconfig that it was started with.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// What came by since the last call.
    pub fn passed(&self) -> Vec<Passed> {
        std::mem::take(&mut self.state().passed)
    }

    /// The writes since the last [`Proxy::passed`], by verb; dry runs are none.
    pub fn writes(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for passed in self.state().passed.iter().filter(|p| p.is_write()) {
            *counts.entry(passed.verb).or_default() += 1;
        }
        counts
    }

    pub fn n_writes(&self) -> usize {
        self.writes().values().sum()
    }

    /// The same of those that match.
    pub fn writes_where(&self, matches: impl Fn(&Passed) -> bool) -> usize {
        let state = self.state();
        let passed = state.passed.iter();
        passed.filter(|p| p.is_write() && matches(p)).count()
    }

    /// Does `harm` to the next `times` requests that match.
    pub fn harm(
        &self,
        harm: Harm,
        times: usize,
        matches: impl Fn(&Passed) -> bool + Send + 'static,
    ) {
        self.state().rules.push(Rule {
            matches: Box::new(matches),
            harm,
            times_left: times,
        });
    }

    /// Forgets all harm that is not done yet.
    pub fn mend(&self) {
        self.state().rules.clear();
    }

    /// Stands still around the `n`th write from now: every request that comes
    /// then, and each that is waiting, stays without an answer.
    pub fn hold_at_write(&self, n: usize, hold: Hold) {
        assert!(n > 0, "the first write is the 1st");
        self.state().hold = Some((n, hold));
    }

    /// Whether it stands still within that time.
    pub fn wait_until_held(&self, within: Duration) -> bool {
        let begin = Instant::now();
        let mut state = self.state();
        while !state.held {
            let left = within.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.expect("no holder panics").0;
        }
        true
    }

    /// Lets requests pass again; those that were held back are dropped, as
    /// their sender is dead.
    pub fn release(&self) {
        let mut state = self.state();
        state.held = false;
        state.hold = None;
        state.releases += 1;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }

    /// Breaks every watch that is open, without an end.
    pub fn cut_watches(&self) -> usize {
        let watches = std::mem::take(&mut self.state().watches);
        for watch in &watches {
            let _ = watch.shutdown(Shutdown::Both);
        }
        watches.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state().stopped = true;
        self.release();
        self.cut_watches();
        // Wakes the one that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        self.state().connections.push(client.try_clone()?);
        let mut upstream = None;
        let mut reader = BufReader::new(client.try_clone()?);
        while let Some(asked) = read_request(&mut reader) {
            let passed = Passed::of(&asked);
            // One after the other, so that none slips by after the last.
            let turn = passed
                .is_write()
                .then(|| self.writing.lock().expect("no holder panics"));
            if self.state().held {
                drop(turn);
                self.wait_for_the_end();
                return Ok(());
            }
            let harm = self.admit(&passed);
            match harm {
                Some(Harm::DropBefore) => {
                    self.record(passed, 0);
                    return Ok(());
                }
                Some(Harm::Hang) => {
                    drop(turn);
                    self.record(passed, 0);
                    self.wait_for_the_end();
                    return Ok(());
                }
                Some(Harm::Late(by)) => thread::sleep(by),
                Some(Harm::DropAfter) | None => {}
                Some(
                    harm @ (Harm::VersionConflict
                    | Harm::FieldConflict
                    | Harm::TooManyRequests(_)
                    | Harm::Forbidden(_)
                    | Harm::ServerError
                    | Harm::BadPage),
                ) => {
                    let (status, text) = answer(harm, &passed);
                    self.record(passed, status);
                    (&client).write_all(text.as_bytes())?;
                    continue;
                }
            }
            let server = match &mut upstream {
                Some(server) => server,
                none => none.insert(BufReader::new(self.upstream.connect()?)),
            };
            send(server.get_mut(), &asked)?;
            let head = read_head(server)?;
            if harm == Some(Harm::DropAfter) {
                self.record(passed, 0);
                return Ok(());
            }
            let is_watch = passed.verb == "watch";
            let hold = self.count(passed, head.status);
            drop(turn);
            if hold == Some(Hold::BeforeAnswer) {
                self.stand_still();
                return Ok(());
            }
            if is_watch {
                self.state().watches.push(client.try_clone()?);
            }
            (&client).write_all(head.text.as_bytes())?;
            pass_body(server, &client, &head)?;
            if hold == Some(Hold::AfterAnswer) {
                self.stand_still();
                return Ok(());
            }
        }
        Ok(())
    }

    /// The harm that a request meets, if any.
    fn admit(&self, passed: &Passed) -> Option<Harm> {
        let mut state = self.state();
        let rule = state
            .rules
            .iter_mut()
            .find(|rule| rule.times_left > 0 && (rule.matches)(passed))?;
        rule.times_left -= 1;
        Some(rule.harm)
    }

    fn record(&self, passed: Passed, status: u16) {
        self.state().passed.push(passed.answered(status));
    }

    /// Records what the server answered, and says whether that was the write
    /// to stand still at.
    fn count(&self, passed: Passed, status: u16) -> Option<Hold> {
        let mut state = self.state();
        let is_write = passed.is_write();
        state.passed.push(passed.answered(status));
        let (left, hold) = state.hold.filter(|_| is_write && !state.held)?;
        if left > 1 {
            state.hold = Some((left - 1, hold));
            return None;
        }
        state.hold = None;
        // From this moment on, for every other connection too.
        state.held = true;
        Some(hold)
    }

    fn stand_still(&self) {
        self.changed.notify_all();
        self.wait_for_the_end();
    }

    /// Until the proxy is released or ends.
    fn wait_for_the_end(&self) {
        let state = self.state();
        let releases = state.releases;
        let goes_on = |state: &mut State| !state.stopped && state.releases == releases;
        drop(self.changed.wait_while(state, goes_on));
    }
}

impl Upstream {
    fn connect(&self) -> std::io::Result<Box<dyn ReadWrite>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port))?;
        tcp.set_nodelay(true)?;
        let Some((config, name)) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        let session = rustls::ClientConnection::new(Arc::clone(config), name.clone());
        let session = session.map_err(std::io::Error::other)?;
        Ok(Box::new(rustls::StreamOwned::new(session, tcp)))
    }
}

trait ReadWrite: Read + Write {}
impl<S: Read + Write> ReadWrite for S {}

struct Head {
    status: u16,
    text: String,
    length: Option<u64>,
    chunked: bool,
}

fn send(server: &mut dyn ReadWrite, asked: &Asked) -> std::io::Result<()> {
    let mut head = format!("{} {} HTTP/1.1\r\n", asked.method, asked.target);
    for (name, value) in &asked.headers {
        if name != "transfer-encoding" && name != "content-length" {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", asked.body.len()));
    server.write_all(head.as_bytes())?;
    server.write_all(&asked.body)?;
    server.flush()
}

fn read_head(server: &mut impl BufRead) -> std::io::Result<Head> {
    let mut head = Head {
        status: 0,
        text: String::new(),
        length: None,
        chunked: false,
    };
    loop {
        let mut line = String::new();
        if server.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.text.push_str(&line);
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(head);
        }
        if head.status == 0 {
            let code = line.split_whitespace().nth(1).unwrap_or_default();
            head.status = code.parse().map_err(std::io::Error::other)?;
        } else if let Some(length) = line.strip_prefix("content-length:") {
            head.length = Some(length.trim().parse().map_err(std::io::Error::other)?);
        } else if line.starts_with("transfer-encoding:") {
            head.chunked = true;
        }
    }
}

/// As it comes: what a watch says is passed on at once.
fn pass_body(server: &mut impl BufRead, client: &TcpStream, head: &Head) -> std::io::Result<()> {
    let mut client = client;
    if head.status == 304 || head.status == 204 {
        return Ok(());
    }
    if !head.chunked {
        let length = head.length.unwrap_or(u64::MAX);
        std::io::copy(&mut server.take(length), &mut client)?;
        return Ok(());
    }
    loop {
        let mut size = String::new();
        server.read_line(&mut size)?;
        let n = size.trim().split(';').next().unwrap_or_default();
        let n = u64::from_str_radix(n, 16).map_err(std::io::Error::other)?;
        let mut chunk = size.into_bytes();
        // With the line end behind it.
        server.take(n + 2).read_to_end(&mut chunk)?;
        client.write_all(&chunk)?;
        if n == 0 {
            return Ok(());
        }
    }
}

fn answer(harm: Harm, passed: &Passed) -> (u16, String) {
    let name = passed.path.rsplit('/').next().unwrap_or_default();
    let status = |code: u16, reason: &str, message: String, details: &str| {
        let body = format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":{message:?},"reason":"{reason}","details":{{"name":"{name}"{details}}},"code":{code}}}"#
        );
        (code, "application/json", String::new(), body)
    };
    let (code, content_type, more, body) = match harm {
        Harm::VersionConflict => status(
            409,
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {name}: the object has been modified; \
                 please apply your changes to the latest version and try again"
            ),
            "",
        ),
        Harm::FieldConflict => status(
            409,
            "Conflict",
            "Apply failed with 1 conflict: conflict with \"other\": .spec".to_owned(),
            r#","causes":[{"reason":"FieldManagerConflict","message":"conflict with \"other\"","field":".spec"}]"#,
        ),
        Harm::TooManyRequests(seconds) => {
            let told = "Too many requests, please try again later.".to_owned();
            let details = format!(r#","retryAfterSeconds":{seconds}"#);
            let (code, kind, _, body) = status(429, "TooManyRequests", told, &details);
            (code, kind, format!("retry-after: {seconds}\r\n"), body)
        }
        Harm::Forbidden(words) => status(403, "Forbidden", words.to_owned(), ""),
        Harm::ServerError => status(
            500,
            "InternalError",
            "Internal error occurred: etcdserver: leader changed".to_owned(),
            "",
        ),
        Harm::BadPage => (
            503,
            "text/html",
            String::new(),
            "<html>no backend</html>".to_owned(),
        ),
        Harm::DropBefore | Harm::DropAfter | Harm::Hang | Harm::Late(_) => {
            panic!("{harm:?} has no answer")
        }
    };
    let text = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: {content_type}\r\n{more}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    (code, text)
}
