//! The agent as a service of systemd (`Type=notify`): tells it when it is
//! ready, alive and stopping, and says which limit of the unit does nothing.

use sd_notify::NotifyState;
use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

const STACK_BYTES: usize = 64 * 1024;

/// Tells the watchdog that the agent is alive until this is dropped.
pub struct Service {
    stop: Option<Sender<()>>,
    is_ready: Cell<bool>,
}

impl Service {
    /// Started by anything but systemd, this does nothing.
    pub fn start(is_alive: impl Fn() -> bool + Send + 'static) -> std::io::Result<Self> {
        let Some(longest) = sd_notify::watchdog_enabled() else {
            return Ok(Service {
                stop: None,
                is_ready: Cell::default(),
            });
        };
        let (stop, stopped) = channel();
        thread::Builder::new()
            .name("watchdog".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                // sd_watchdog_enabled(3): twice in the time that is given.
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(longest / 2) {
                    if is_alive() {
                        tell(NotifyState::Watchdog);
                    }
                }
            })?;
        Ok(Service {
            stop: Some(stop),
            is_ready: Cell::default(),
        })
    }

    /// Said once: one that stood by is ready before it works.
    pub fn ready(&self) {
        if !self.is_ready.replace(true) {
            tell(NotifyState::Ready);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        tell(NotifyState::Stopping);
        // Ends the thread.
        self.stop = None;
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd is not told");
    }
}

/// Why MemoryMax of the unit does nothing, if it does nothing.
pub fn idle_memory_limit() -> Option<String> {
    // Set for what systemd starts.
    std::env::var_os("INVOCATION_ID")?;
    no_memory_cgroup(Path::new("/")).then(|| {
        "MemoryMax of the unit does nothing: this kernel runs without the memory cgroup; \
         on a Raspberry Pi add cgroup_enable=memory to cmdline.txt"
            .to_owned()
    })
}

/// Whether our cgroup has no memory controller. Of a system that says nothing
/// about cgroups nothing is claimed.
fn no_memory_cgroup(root: &Path) -> bool {
    let Ok(groups) = std::fs::read_to_string(root.join("proc/self/cgroup")) else {
        return false;
    };
    // cgroups(7): "0::/path" is version 2, "N:controller,…:/path" version 1.
    let mut version_1 = groups.lines().filter_map(|line| line.split(':').nth(1));
    if version_1.any(|controllers| controllers.split(',').any(|name| name == "memory")) {
        return false;
    }
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return !groups.is_empty();
    };
    let unified = root.join("sys/fs/cgroup").join(path);
    !unified.join("memory.max").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(groups: &str, files: &[&str], is_missing: bool) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
            std::fs::write(path, text).expect("writable");
        };
        if !groups.is_empty() {
            write("proc/self/cgroup", groups);
        }
        for file in files {
            write(&format!("sys/fs/cgroup/{file}"), "");
        }
        assert_eq!(no_memory_cgroup(folder.path()), is_missing, "{groups}");
    }

    #[test]
    fn a_memory_cgroup_that_is_off_is_noticed() {
        let unit = "system.slice/drupelet.service";
        let two = format!("0::/{unit}\n");
        check(&two, &[&format!("{unit}/memory.max")], false);
        check(&two, &[&format!("{unit}/cpu.weight")], true);
        let one = format!("4:memory:/{unit}\n1:name=systemd:/{unit}\n0::/{unit}\n");
        check(&one, &[], false);
        check(&format!("3:cpu,cpuacct:/{unit}\n"), &[], true);
        check("", &[], false);
    }
}
