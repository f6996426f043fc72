//! Ctrl-C and SIGTERM, for commands that run until then.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::signal::unix::{SignalKind, signal};

/// Gets one message when the process is asked to end.
pub fn interrupted() -> std::io::Result<Receiver<()>> {
    let (sender, receiver) = channel();
    interrupted_into(sender, ())?;
    Ok(receiver)
}

/// Sends one message when the process is asked to end.
pub fn interrupted_into<T: Send + 'static>(sender: Sender<T>, message: T) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    drop(guard);
    thread::Builder::new()
        .name("signals".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            // Nobody waits any more when the command ended by itself.
            let _ = sender.send(message);
        })?;
    Ok(())
}
