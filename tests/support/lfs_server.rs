//! A server of Git LFS beside the real git: the batch API, and the objects of
//! a work tree that the real git-lfs put there.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;

use super::git_server::{self, Behaviour};
use super::serve::{Answer, Asked, Server};

/// What a batch request is answered with, besides what is right.
#[derive(Clone, Debug, Default)]
pub struct Deviation {
    /// In place of the address of the object.
    pub href: Option<String>,
    /// In place of the object.
    pub content: Option<Vec<u8>>,
    /// No header for the download: the repository's own credentials serve.
    pub without_token: bool,
}

/// Serves `root` by git, and `WORK/.git/lfs` by LFS, over TLS.
pub fn serve(root: &Path, work: &Path, behaviour: Behaviour, deviation: Deviation) -> Server {
    let (root, objects) = (root.to_owned(), work.join(".git/lfs/objects"));
    Server::tls(move |asked| answer(&root, &objects, &behaviour, &deviation, asked))
}

/// False, with a line that says so, where git-lfs is missing.
pub fn is_installed() -> bool {
    let found = Command::new("git-lfs").arg("version").output().is_ok();
    if !found {
        println!("not run: git-lfs is not installed");
    }
    found
}

fn answer(
    root: &Path,
    objects: &Path,
    behaviour: &Behaviour,
    deviation: &Deviation,
    asked: &Asked,
) -> Answer {
    let basic = behaviour.credentials.as_ref().map(|(user, password)| {
        let pair = format!("{user}:{password}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        format!("Basic {encoded}")
    });
    let is_authorized = basic.is_none() || asked.header("authorization") == basic.as_deref();
    if asked.target.ends_with("/info/lfs/objects/batch") {
        if !is_authorized {
            return Answer::status(401, r#"{"message":"who are you"}"#);
        }
        let text = String::from_utf8_lossy(&asked.body);
        let oid = text
            .split("\"oid\":\"")
            .nth(1)
            .and_then(|rest| rest.get(..64));
        let oid = oid.expect("the request names an object");
        let host = asked.header("host").expect("HTTP/1.1 has it");
        let href = deviation.href.clone();
        let href = href.unwrap_or_else(|| format!("https://{host}/lfs/{oid}"));
        let header = match deviation.without_token {
            true => "",
            false => r#","header":{"Authorization":"Token of-this-object"}"#,
        };
        let answer = match path_of(objects, oid).exists() {
            true => format!(
                r#"{{"transfer":"basic","objects":[{{"oid":"{oid}","size":1,"actions":{{"download":{{"href":"{href}"{header}}}}}}}]}}"#
            ),
            false => format!(
                r#"{{"objects":[{{"oid":"{oid}","size":1,"error":{{"code":404,"message":"Object does not exist"}}}}]}}"#
            ),
        };
        return Answer::ok(answer).header("content-type", "application/vnd.git-lfs+json");
    }
    if let Some(oid) = asked.target.strip_prefix("/lfs/") {
        let is_known = match deviation.without_token {
            true => is_authorized,
            false => asked.header("authorization") == Some("Token of-this-object"),
        };
        if !is_known {
            return Answer::status(403, "not with these credentials");
        }
        let content = deviation.content.clone();
        let content = content.or_else(|| std::fs::read(path_of(objects, oid)).ok());
        return content.map_or_else(|| Answer::status(404, ""), Answer::ok);
    }
    git_server::answer(root, behaviour, asked)
}

fn path_of(objects: &Path, oid: &str) -> PathBuf {
    objects.join(&oid[..2]).join(&oid[2..4]).join(oid)
}
