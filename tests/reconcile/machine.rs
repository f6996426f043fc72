//! What goes wrong with the machines: the API server's, and the agent's own.

use crate::faults::{POLICY, all_are, configs, ends_at, world};
use crate::manifests::config;
use crate::process::{AgentProcess, PROGRAM};
use crate::support::apiserver::{ApiServer, Options};
use crate::support::git_server;
use crate::support::proxy::{Hold, Proxy};
use crate::world::{PATIENCE, World, client, on_each, wait_until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_real_api_server_is_killed_in_mid_sync_and_started_again() {
    let Some(mut server) = ApiServer::start(Options::default()) else {
        return;
    };
    let mut world = world(&server.kubeconfig(), "restarted");
    let proxy = Proxy::start(&server.kubeconfig());
    world.start_agent_on(client(&proxy.kubeconfig()));
    world.wait_synced();
    world.settle();
    proxy.hold_at_write(4, Hold::BeforeAnswer);
    let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
    assert!(proxy.wait_until_held(PATIENCE), "a sync is under way");
    server.kill();
    proxy.release();
    // Long enough for the agent to see that nobody is there.
    std::thread::sleep(std::time::Duration::from_secs(3));
    server.start_again();
    ends_at(&world, &commit, "two");
    world.wait_app(&world.name, "content", |app| {
        app.status.conditions.is_empty()
    });
    world.edit("v1", "ConfigMap", "c1", "data: {a: drifted}");
    wait_until("drift is seen again", || all_are(&world, "two"));
}

/// The library that gives a process another time of day; the monotonic clock
/// stays, as when a real clock is set.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    if found.is_none() {
        println!("not run: no libfaketime (Debian package faketime)");
    }
    found
}

#[test]
fn a_clock_that_jumps_by_an_hour_both_ways() {
    let Some(library) = faketime() else {
        return;
    };
    on_each(|cluster| {
        let world = world(cluster, "clock");
        let clock = world.folder().join("clock");
        // The library may read while it is written: a rename is whole.
        let set = |offset: &str| {
            let new = world.folder().join("clock.new");
            fs::write(&new, offset).expect("the folder is writable");
            fs::rename(&new, &clock).expect("the folder is writable");
        };
        set("+0");
        let mut program = Command::new(PROGRAM);
        program
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let agent = AgentProcess::start_by(program, &world, cluster, &[]);
        world.wait_synced();
        for (offset, value) in [("+1h", "two"), ("-1h", "three"), ("+0", "four")] {
            set(offset);
            let commit = world.commit(&[("app/all.yaml", &configs(value))]);
            ends_at(&world, &commit, value);
            world.delete("v1", "ConfigMap", "c3");
            wait_until("it comes back", || all_are(&world, value));
        }
        // The objects are back before the sync that brought them has ended.
        world.wait_app(&world.name, "it ends, with a time", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| !state.finished_at.is_empty())
        });
        drop(agent);
    });
}

/// A folder of an agent that is a file system of so many bytes, in a mount
/// namespace of its own.
fn on_small_disk(folder: &Path, bytes: usize) -> Option<Command> {
    let script = format!("mount -t tmpfs -o size={bytes} tmpfs \"$0\" && exec \"$@\"");
    let unshared = |program: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .arg(folder)
            .arg(program);
        command
    };
    let works = unshared("true")
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        println!("not run: no mount namespaces for this user");
        return None;
    }
    Some(unshared(PROGRAM))
}

#[test]
fn a_disk_that_is_full() {
    on_each(|cluster| {
        let world = World::new(cluster, "full");
        let cache = AgentProcess::cache(&world);
        fs::create_dir_all(&cache).expect("the folder is writable");
        let Some(program) = on_small_disk(&cache, 512 * 1024) else {
            return;
        };
        let Some(served) = git_server::serve_plain(world.folder(), Default::default()) else {
            return;
        };
        let first = world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let url = served.url("/repository");
        let source = format!("spec: {{source: {{repoURL: '{url}'}}}}");
        world.patch_app(&world.name, &source);
        let agent = AgentProcess::start_by(program, &world, cluster, &["--poll", "1s"]);
        ends_at(&world, &first, "one");
        // The same folder as the agent sees it.
        let root = PathBuf::from(format!("/proc/{}/root", agent.id()));
        let inside = root.join(cache.strip_prefix("/").expect("it is absolute"));
        let mut n = 0;
        while fs::write(inside.join(format!("filler{n}")), [0; 4096]).is_ok() {
            n += 1;
        }
        assert!(n > 0, "nothing was left to fill");
        let second = world.commit(&[("app/all.yaml", &(configs("two") + &config("more", "")))]);
        world.wait_app(&world.name, "told", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.message.contains("No space left on device"))
        });
        // Nothing is lost meanwhile, and what drifts is reverted.
        world.delete("v1", "ConfigMap", "c2");
        wait_until("the last snapshot stands", || all_are(&world, "one"));
        for n in 0..n {
            fs::remove_file(inside.join(format!("filler{n}"))).expect("it is there");
        }
        ends_at(&world, &second, "two");
        world.wait_app(&world.name, "content", |app| {
            app.status.conditions.is_empty()
        });
    });
}
