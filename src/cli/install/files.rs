//! What is written to this machine.

use anyhow::{Context, bail};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const UNIT: &str = include_str!("../../../systemd/drupelet.service");
const SYSUSERS: &str = include_str!("../../../systemd/drupelet.sysusers");
const TMPFILES: &str = include_str!("../../../systemd/drupelet.tmpfiles");
/// Where the unit expects the program.
const PACKAGED_PROGRAM: &str = "/usr/bin/drupelet";
/// The unit of the Debian package.
const PACKAGED_UNIT: &str = "usr/lib/systemd/system/drupelet.service";
/// What the unit hides from the agent: no program can be started from there.
const HIDDEN: &[&str] = &["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// This program, as the unit is to start it.
pub fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("where this program is")?;
    if HIDDEN.iter().any(|folder| program.starts_with(folder)) {
        bail!(
            "the service cannot start {}, since it sees no home and no temporary folders: move it to /usr/local/bin first",
            program.display()
        );
    }
    Ok(program)
}

/// Gives the paths that were written.
pub fn write(
    root: &Path,
    program: &Path,
    options: &str,
    kubeconfig: &str,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut put = |path: &str, text: &str, mode: u32| -> anyhow::Result<()> {
        let path = root.join(path);
        replace(&path, text, mode).with_context(|| path.display().to_string())?;
        written.push(path);
        Ok(())
    };
    if !root.join(PACKAGED_UNIT).exists() {
        let unit = UNIT.replace(PACKAGED_PROGRAM, &program.display().to_string());
        put("etc/systemd/system/drupelet.service", &unit, 0o644)?;
        put("etc/sysusers.d/drupelet.conf", SYSUSERS, 0o644)?;
        put("etc/tmpfiles.d/drupelet.conf", TMPFILES, 0o644)?;
    }
    let text = format!(
        "# Further options of the agent: drupelet agent --help\nDRUPELET_OPTIONS={options}\n"
    );
    put("etc/default/drupelet", &text, 0o644)?;
    let folder = root.join("etc/drupelet");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)))
        .with_context(|| folder.display().to_string())?;
    put("etc/drupelet/kubeconfig", kubeconfig, 0o600)?;
    Ok(written)
}

/// The old file or the new one, at any instant.
fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    // One of an earlier attempt has permissions of its own.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}
