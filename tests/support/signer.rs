//! Commits signed by the real git with the real gpg and ssh-keygen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A home with keys of its own, and the git that signs with them.
pub struct Signer {
    home: tempfile::TempDir,
}

/// `None`, with a line that says so, where a program is missing.
pub fn signer() -> Option<Signer> {
    for program in ["git", "gpg", "ssh-keygen"] {
        if Command::new(program).arg("--help").output().is_err() {
            println!("not run: {program} is not installed");
            return None;
        }
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    // What gpg signs with is chosen by the name of the program: git takes no
    // arguments for it.
    for (name, options) in [
        ("gpg", ""),
        ("gpg-2020", "--faked-system-time 20200301T000000! "),
        ("gpg-sha1", "--digest-algo SHA1 "),
        (
            "gpg-short",
            "--faked-system-time 20200301T000000! --default-sig-expire 1d ",
        ),
    ] {
        let path = home.path().join(name);
        let script = format!("#!/bin/sh\nexec gpg --quiet --batch {options}\"$@\"\n");
        fs::write(&path, script).expect("writes");
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("changes");
    }
    let gnupg = home.path().join("gnupg");
    fs::create_dir(&gnupg).expect("creates");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&gnupg, fs::Permissions::from_mode(0o700)).expect("changes");
    Some(Signer { home })
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.command("gpgconf").args(["--kill", "all"]).output();
    }
}

impl Signer {
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("GNUPGHOME", self.home.path().join("gnupg"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org");
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    #[track_caller]
    fn output(&self, mut command: Command) -> String {
        let output = command.output().expect("it is installed");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {told}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    #[track_caller]
    pub fn gpg(&self, arguments: &[&str]) -> String {
        let mut command = self.command("gpg");
        command.args(["--quiet", "--batch", "--pinentry-mode", "loopback"]);
        command.args(["--passphrase", ""]).args(arguments);
        self.output(command)
    }

    /// Makes a key; gives its fingerprint. `more` goes before the command.
    #[track_caller]
    pub fn key(
        &self,
        name: &str,
        algorithm: &str,
        usage: &str,
        expires: &str,
        more: &[&str],
    ) -> String {
        let mut arguments = more.to_vec();
        arguments.extend(["--quick-generate-key", name, algorithm, usage, expires]);
        self.gpg(&arguments);
        self.fingerprints(name).remove(0)
    }

    /// Of a key and its subkeys.
    pub fn fingerprints(&self, name: &str) -> Vec<String> {
        let listed = self.gpg(&["--with-colons", "--list-keys", name]);
        let lines = listed.lines().filter_map(|line| line.strip_prefix("fpr:"));
        lines
            .map(|line| line.trim_matches(':').to_owned())
            .collect()
    }

    pub fn public(&self, name: &str) -> String {
        self.gpg(&["--armor", "--export", name])
    }

    /// A text, signed in the clear.
    #[track_caller]
    pub fn clear(&self, key: &str, text: &str) -> String {
        let (plain, signed) = (self.path("plain"), self.path("signed"));
        fs::write(&plain, text).expect("writes");
        let name = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let (plain, signed) = (name(&plain), name(&signed));
        let arguments = ["--yes", "-u", key, "-o", &signed, "--clear-sign", &plain];
        self.gpg(&arguments);
        fs::read_to_string(signed).expect("gpg wrote it")
    }

    /// Revokes a key by the certificate that gpg made along with it.
    pub fn revoke(&self, fingerprint: &str) {
        let kept = self
            .path("gnupg/openpgp-revocs.d")
            .join(format!("{fingerprint}.rev"));
        let text = fs::read_to_string(kept).expect("gpg made it");
        let ready = self.path("revocation");
        fs::write(&ready, text.replace(":-----BEGIN", "-----BEGIN")).expect("writes");
        self.gpg(&["--import", ready.to_str().expect("UTF-8")]);
    }

    /// An ssh key; gives the path of its private half, `.pub` is beside it.
    pub fn ssh_key(&self, name: &str, kind: &[&str]) -> PathBuf {
        let path = self.path(name);
        super::ssh_server::keygen(&path, kind);
        path
    }

    #[track_caller]
    pub fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let mut command = self.command("git");
        command.arg("-C").arg(directory).args(arguments);
        self.output(command).trim().to_owned()
    }

    /// The options of git that sign with `key`: an ID of gpg's, or the path
    /// of an ssh key. `program` is one of those of `signer`.
    pub fn options(&self, key: &str, program: &str) -> Vec<String> {
        let format = match key.contains('/') {
            true => "ssh",
            false => "openpgp",
        };
        let program = self.path(program);
        [
            format!("gpg.format={format}"),
            format!("gpg.program={}", program.display()),
            format!("user.signingKey={key}"),
        ]
        .into_iter()
        .flat_map(|option| ["-c".to_owned(), option])
        .collect()
    }

    /// Signs the tip of a branch anew, in its place: the same tree, another
    /// commit.
    #[track_caller]
    pub fn sign(&self, repository: &Path, branch: &str, key: &str, program: &str) -> String {
        let options = self.options(key, program);
        let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        let tree = format!("{branch}^{{tree}}");
        arguments.extend(["commit-tree", "-S", "-m", "signed", &tree]);
        let commit = self.git(repository, &arguments);
        let name = format!("refs/heads/{branch}");
        self.git(repository, &["update-ref", &name, &commit]);
        commit
    }
}
