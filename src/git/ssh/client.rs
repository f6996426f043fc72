//! A connection: opened, checked, and handed to gix as a reader and a writer.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, Read, Write};
use std::net::ToSocketAddrs;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Handle, Handler, Msg};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Preferred};
use tokio::runtime::Runtime;

use super::super::access::Access;
use super::super::counters::Counters;
use super::super::error::Fault;
use super::super::https::{FaultCell, lock};
use super::super::url::RepositoryUrl;
use super::key;
use super::known_hosts::HostKeys;

/// What the server may have under way towards us before we have read it.
const WINDOW_BYTES: u32 = 512 * 1024;
/// Messages that wait to be read.
const MAX_WAITING_MESSAGES: usize = 16;
/// A request holds wants and haves: hundreds of lines, not more.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// What is kept of the words of the other side.
const MAX_WORDS_BYTES: usize = 1024;
/// What git-lfs-authenticate may say.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// The user of a URL that names none.
const DEFAULT_USER: &str = "git";

/// Connects, logs in, and starts `git-upload-pack` on the other side.
pub(in crate::git) fn connect(
    url: &RepositoryUrl,
    access: &Access,
    counters: &Arc<Counters>,
    limit: u64,
) -> Result<(Reader, Writer, FaultCell), Fault> {
    let command = format!("git-upload-pack {}", quoted(path_of(url)));
    start(url, access, counters, limit, command)
}

/// Connects, logs in, and takes what the server of Git LFS says of where and
/// with which header objects are had (git-lfs, docs/api/server-discovery.md).
pub(in crate::git) fn lfs_authenticate(
    url: &RepositoryUrl,
    access: &Access,
    counters: &Arc<Counters>,
) -> Result<Vec<u8>, Fault> {
    let command = format!("git-lfs-authenticate {} download", quoted(path_of(url)));
    let (mut reader, writer, fault) = start(url, access, counters, MAX_ANSWER_BYTES, command)?;
    let mut answer = Vec::new();
    let read = reader.read_to_end(&mut answer);
    drop(writer);
    match read {
        Ok(_) => Ok(answer),
        Err(error) => {
            let fault = lock(&fault).take();
            Err(fault.unwrap_or_else(|| Fault::Broken(error.to_string())))
        }
    }
}

fn start(
    url: &RepositoryUrl,
    access: &Access,
    counters: &Arc<Counters>,
    limit: u64,
    command: String,
) -> Result<(Reader, Writer, FaultCell), Fault> {
    let Some(text) = &access.ssh.private_key else {
        return Err(Fault::Ssh(
            "no sshPrivateKey is configured for this URL".into(),
        ));
    };
    let key = key::read(text)?;
    let port = url.port.unwrap_or(22);
    let keys = HostKeys::of(
        access.ssh.known_hosts.as_deref().unwrap_or_default(),
        &url.host,
        port,
    );
    let timeouts = &access.client.settings().timeouts;
    let config = Arc::new(client::Config {
        window_size: WINDOW_BYTES,
        channel_buffer_size: MAX_WAITING_MESSAGES,
        preferred: preferred(&keys, access.ssh.any_host_key),
        nodelay: true,
        ..client::Config::default()
    });
    let judge = Judge {
        host: match url.port {
            None => url.host.clone(),
            Some(_) => url.authority(),
        },
        keys,
        takes_any: access.ssh.any_host_key,
        verdict: FaultCell::default(),
    };
    let verdict = Arc::clone(&judge.verdict);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::Ssh(error.to_string()))?;
    let refused = |fault: Fault| lock(&verdict).take().unwrap_or(fault);

    counters.request();
    let user = url.user.as_deref().unwrap_or(DEFAULT_USER);
    let handle = within(&runtime, timeouts.connect, "connect", async {
        let mut stream = Err(io::Error::other("the host has no address"));
        for address in (url.host.as_str(), port).to_socket_addrs()? {
            stream = tokio::net::TcpStream::connect(address).await;
            if stream.is_ok() {
                break;
            }
        }
        client::connect_stream(config, stream?, judge).await
    })
    .map_err(refused)?;
    let channel = within(&runtime, timeouts.answer, "log in", async {
        let mut handle = handle;
        let hash = handle.best_supported_rsa_hash().await?.flatten();
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        if !handle.authenticate_publickey(user, key).await?.success() {
            return Ok(None);
        }
        let channel = handle.channel_open_session().await?;
        // A server that refuses it speaks the old protocol.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await?;
        channel.exec(false, command).await?;
        Ok(Some((handle, channel)))
    })
    .map_err(refused)?;
    let Some((handle, channel)) = channel else {
        return Err(Fault::Unauthenticated { given: true });
    };
    let (read, write) = channel.split();
    let fault = FaultCell::default();
    let line = Rc::new(Line {
        runtime,
        stall: timeouts.stall,
        _handle: handle,
        fault: Arc::clone(&fault),
    });
    let reader = Reader {
        line: Rc::clone(&line),
        channel: read,
        counters: Arc::clone(counters),
        waiting: Vec::new(),
        at: 0,
        words: Vec::new(),
        n_received: 0,
        limit,
    };
    let writer = Writer {
        line,
        channel: write,
        request: Vec::new(),
    };
    Ok((reader, writer, fault))
}

/// The kinds of host key that are asked for: those that are known, or a
/// server with several would show one that nobody has seen.
fn preferred(keys: &HostKeys, takes_any: bool) -> Preferred {
    let default = Preferred::DEFAULT;
    if takes_any || keys.known.is_empty() {
        return default;
    }
    let is_known = |algorithm: &&Algorithm| {
        keys.known
            .iter()
            .any(|key| match (key.algorithm(), algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (known, algorithm) => known == **algorithm,
            })
    };
    let kinds: Vec<Algorithm> = default.key.iter().filter(is_known).cloned().collect();
    Preferred {
        key: Cow::Owned(kinds),
        ..default
    }
}

/// What upload-pack is asked for: a path below the home of the user in the
/// scp form and after `/~`, else from the root.
fn path_of(url: &RepositoryUrl) -> &str {
    match url.path.strip_prefix('/') {
        Some(rest) if rest.starts_with('~') => rest,
        Some(_) | None => &url.path,
    }
}

/// For the shell on the other side, as git itself quotes.
fn quoted(path: &str) -> String {
    let mut text = String::from("'");
    for c in path.chars() {
        match c {
            '\'' | '!' => {
                text.push_str("'\\");
                text.push(c);
                text.push('\'');
            }
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

fn within<T>(
    runtime: &Runtime,
    limit: Duration,
    operation: &str,
    work: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, Fault> {
    let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(russh::Error::NoCommonAlgo { kind, theirs, .. })) => Err(Fault::HostKey(format!(
            "none of the algorithms of the server will do for {kind:?}: {}",
            theirs.join(", ")
        ))),
        Ok(Err(error)) => Err(Fault::Ssh(format!("{operation}: {error}"))),
        Err(_) => Err(Fault::Ssh(format!(
            "{operation}: no answer within {} s",
            limit.as_secs()
        ))),
    }
}

/// Decides on the host's key.
struct Judge {
    host: String,
    keys: HostKeys,
    takes_any: bool,
    verdict: Arc<Mutex<Option<Fault>>>,
}

impl Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let refusal = self.refusal(shown);
        let takes = refusal.is_none();
        *lock(&self.verdict) = refusal.map(Fault::HostKey);
        Ok(takes)
    }
}

impl Judge {
    fn refusal(&self, shown: &PublicKeyOrCertificate) -> Option<String> {
        let host = &self.host;
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Some(format!("{host} shows a certificate, which is not checked"));
        };
        let is_same = |known: &russh::keys::PublicKey| known.key_data() == key.key_data();
        let name = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
        if self.keys.revoked.iter().any(is_same) {
            return Some(format!("{host} shows {name}, which is marked as revoked"));
        }
        if self.takes_any || self.keys.known.iter().any(is_same) {
            return None;
        }
        Some(
            match (self.keys.known.is_empty(), self.keys.has_authority) {
                (false, _) => format!(
                    "{host} shows {name}, but another key is known for it: either the host was set up anew, or somebody stands in between; compare, then correct ssh_known_hosts of argocd-ssh-known-hosts-cm"
                ),
                (true, true) => format!(
                    "{host} is known by @cert-authority only, which is not supported: add the key {name} to ssh_known_hosts of argocd-ssh-known-hosts-cm"
                ),
                (true, false) => format!(
                    "{host} is not among the known hosts and shows {name}: compare, then add it to ssh_known_hosts of argocd-ssh-known-hosts-cm (ssh-keyscan prints the line), or set insecureIgnoreHostKey in the repository's Secret"
                ),
            },
        )
    }
}

/// What reader and writer share; the connection ends with it.
struct Line {
    runtime: Runtime,
    stall: Duration,
    _handle: Handle<Judge>,
    fault: FaultCell,
}

impl Line {
    fn wait<T>(&self, work: impl Future<Output = T>) -> io::Result<T> {
        let limit = self.stall;
        self.runtime
            .block_on(async { tokio::time::timeout(limit, work).await })
            .map_err(|_| {
                self.broken(Fault::Broken(format!(
                    "nothing came for {} s",
                    limit.as_secs()
                )))
            })
    }

    /// gix sees only text: the fault itself is kept aside.
    fn broken(&self, fault: Fault) -> io::Error {
        let text = fault.to_string();
        *lock(&self.fault) = Some(fault);
        io::Error::other(text)
    }
}

pub(in crate::git) struct Reader {
    line: Rc<Line>,
    channel: ChannelReadHalf,
    counters: Arc<Counters>,
    waiting: Vec<u8>,
    at: usize,
    /// What came on the other side's error stream.
    words: Vec<u8>,
    n_received: u64,
    limit: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.waiting.len() {
            match self.line.wait(self.channel.wait())? {
                Some(ChannelMsg::Data { data }) => {
                    self.n_received += data.len() as u64;
                    self.counters.received(data.len());
                    if self.n_received > self.limit {
                        let limit = self.limit;
                        return Err(self.line.broken(Fault::TooLarge { limit }));
                    }
                    self.waiting = data.to_vec();
                    self.at = 0;
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = MAX_WORDS_BYTES.saturating_sub(self.words.len());
                    self.words.extend(data.iter().take(room));
                }
                // It follows the last words, unlike the end of the data.
                Some(ChannelMsg::ExitStatus { exit_status }) if exit_status != 0 => {
                    return Err(self.line.broken(ended(&self.words, exit_status)));
                }
                Some(ChannelMsg::Close) | None if self.n_received == 0 => {
                    return Err(self.line.broken(ended(&self.words, 0)));
                }
                Some(ChannelMsg::Close) | None => return Ok(0),
                Some(_) => {}
            }
        }
        let rest = &self.waiting[self.at..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// Why the program ended: what it, or the forge, said.
fn ended(words: &[u8], status: u32) -> Fault {
    let text = String::from_utf8_lossy(words);
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    let lower = words.to_lowercase();
    let is_away = [
        "not found",
        "does not appear to be a git repository",
        "could not be found",
        "does not exist",
        "no such",
    ];
    if is_away.iter().any(|part| lower.contains(part)) {
        return Fault::NotFound;
    }
    if lower.contains("permission denied") || lower.contains("access denied") {
        return Fault::Forbidden;
    }
    match words.is_empty() {
        true if status == 0 => Fault::Nothing,
        true => Fault::Broken(format!("the server's program ended with status {status}")),
        false => Fault::Broken(format!("the server says: {words}")),
    }
}

pub(in crate::git) struct Writer {
    line: Rc<Line>,
    channel: ChannelWriteHalf<Msg>,
    request: Vec<u8>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.request.len() + bytes.len() > MAX_REQUEST_BYTES {
            return Err(io::Error::other("the request is too large"));
        }
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.request.is_empty() {
            return Ok(());
        }
        let request = std::mem::take(&mut self.request);
        let sent = self.line.wait(self.channel.data_bytes(request))?;
        sent.map_err(|error| self.line.broken(Fault::Broken(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_shell_behind() {
        for (url, expected) in [
            ("git@h:org/x.git", "'org/x.git'"),
            ("ssh://git@h/org/x.git", "'/org/x.git'"),
            ("ssh://git@h/~me/x.git", "'~me/x.git'"),
            ("git@h:a'$(id)`id`!x", "'a'\\''$(id)`id`'\\!'x'"),
        ] {
            let url = RepositoryUrl::parse(url).expect("served");
            assert_eq!(quoted(path_of(&url)), expected);
        }
    }
}
