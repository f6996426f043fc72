//! The real git, serving the repositories below a folder by smart HTTP:
//! `git http-backend` as CGI behind our small server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::serve::{Answer, Asked, Server};

/// How the server behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// `user:password` that every request must bring.
    pub credentials: Option<(String, String)>,
    /// Answers with protocol version 0, as Azure DevOps does.
    pub old_protocol: bool,
}

/// Serves on https; `None`, with a line that says so, where git is missing.
pub fn serve(root: &Path, behaviour: Behaviour) -> Option<Server> {
    if !is_installed() {
        return None;
    }
    let root = root.to_owned();
    Some(Server::tls(move |asked| answer(&root, &behaviour, asked)))
}

/// The same on plain http.
pub fn serve_plain(root: &Path, behaviour: Behaviour) -> Option<Server> {
    if !is_installed() {
        return None;
    }
    let root = root.to_owned();
    Some(Server::plain(move |asked| answer(&root, &behaviour, asked)))
}

pub fn is_installed() -> bool {
    let found = Command::new("git").arg("--version").output().is_ok();
    if !found {
        println!("not run: git is not installed");
    }
    found
}

/// One CGI exchange with `git http-backend`.
pub fn answer(root: &Path, behaviour: &Behaviour, asked: &Asked) -> Answer {
    use base64::Engine;
    if let Some((user, password)) = &behaviour.credentials {
        let pair = format!("{user}:{password}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        if asked.header("authorization") != Some(&format!("Basic {encoded}")) {
            return Answer::status(401, "who are you")
                .header("www-authenticate", "Basic realm=\"git\"");
        }
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_CONFIG_KEY_1", "uploadpack.allowAnySHA1InWant")
        .env("GIT_CONFIG_VALUE_1", "true")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &asked.method)
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(kind) = asked.header("content-type") {
        command.env("CONTENT_TYPE", kind);
    }
    if let Some(protocol) = asked.header("git-protocol")
        && !behaviour.old_protocol
    {
        command.env("GIT_PROTOCOL", protocol);
    }
    let mut child = command.spawn().expect("git is installed");
    let mut input = child.stdin.take().expect("is piped");
    let body = asked.body.clone();
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(&body);
    });
    let output = child.wait_with_output().expect("git http-backend runs");
    let _ = writer.join();
    parse(&output.stdout)
}

fn parse(output: &[u8]) -> Answer {
    let end = output
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("CGI output has a head");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut answer = Answer::ok(&output[end + 4..]);
    for line in head.lines() {
        let (name, value) = line.split_once(':').expect("a header line");
        if name.eq_ignore_ascii_case("status") {
            let code = value.split_whitespace().next().expect("a status");
            answer.status = code.parse().expect("a number");
        } else {
            answer = answer.header(name, value.trim());
        }
    }
    answer
}

/// Runs git with nothing of this machine's configuration; `None` without git.
pub fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    if !is_installed() {
        return None;
    }
    let output = Command::new("git")
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", PathBuf::from(directory))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .output()
        .expect("git runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {text}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
