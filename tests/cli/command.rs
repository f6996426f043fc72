//! The binary, run as a user runs it.

use crate::world::World;
use drupelet::value::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// `drupelet ARGUMENTS --kubeconfig … --namespace …`.
pub fn drupelet(world: &World, kubeconfig: &Path, arguments: &[&str]) -> Ended {
    let namespace = world.control_namespace();
    let mut all = arguments.to_vec();
    let kubeconfig = kubeconfig.display().to_string();
    all.extend(["--kubeconfig", &kubeconfig, "--namespace", &namespace]);
    run(world.folder(), &all, "")
}

pub fn run(home: &Path, arguments: &[&str], input: &str) -> Ended {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .env_clear()
        .env("HOME", home)
        .env("USER", "ada")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drupelet starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // One that does not read has ended: its code says why.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Ended {
    #[track_caller]
    pub fn ok(self) -> String {
        self.ends_with(0)
    }

    #[track_caller]
    pub fn ends_with(self, code: i32) -> String {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.out, self.err
        );
        self.out
    }

    /// Fails with a text in its message.
    #[track_caller]
    pub fn fails(self, with: &str) {
        assert_eq!(self.code, 1, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(self.err.contains(with), "{with:?} is not in {}", self.err);
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        Value::from_json(out.as_bytes()).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}
