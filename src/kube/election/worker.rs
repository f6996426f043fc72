//! The threads of a candidate or a member: what it does, and what brings it news.

use crate::kube::Client;
use crate::kube::watch::{Event, Watched, Watcher};
use std::io;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

const STACK_BYTES: usize = 512 * 1024;
/// Nothing is due: whatever comes, comes as a signal.
pub const LONG: Duration = Duration::from_secs(3600);

/// A thread that ends by a signal, and is awaited when this is dropped.
pub struct Worker<S> {
    signals: Sender<S>,
    stop: fn() -> S,
    thread: Option<JoinHandle<()>>,
}

impl<S> Worker<S> {
    pub fn start(
        signals: Sender<S>,
        stop: fn() -> S,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let thread = named("lease").spawn(run)?;
        Ok(Worker {
            signals,
            stop,
            thread: Some(thread),
        })
    }
}

impl<S> Drop for Worker<S> {
    fn drop(&mut self) {
        // One that lost its Lease has ended already.
        let _ = self.signals.send((self.stop)());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the Lease panicked");
        }
    }
}

/// A watch whose news come as signals, until it is dropped.
pub fn watch<S: Send + 'static>(
    client: &Client,
    watched: Watched,
    signals: Sender<S>,
    mut news: impl FnMut(Event) -> Option<S> + Send + 'static,
) -> io::Result<Watcher> {
    let (watcher, mut notices) = Watcher::start(client.clone(), [watched])?;
    named("lease watch").spawn(move || {
        while let Some((_, event)) = notices.blocking_recv() {
            if let Some(signal) = news(event)
                && signals.send(signal).is_err()
            {
                return;
            }
        }
    })?;
    Ok(watcher)
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
}
