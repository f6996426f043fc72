//! Ctrl-C and SIGTERM, for commands that run until then.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::signal::unix::{SignalKind, signal};

/// What SIGUSR1 prints is made on this stack, of which the rest stays unused.
const STACK_BYTES: usize = 512 * 1024;

/// Gets one message when the process is asked to end.
pub fn interrupted() -> std::io::Result<Receiver<()>> {
    let (sender, receiver) = channel();
    interrupted_into(sender, ())?;
    Ok(receiver)
}

/// Sends one message when the process is asked to end.
pub fn interrupted_into<T: Send + 'static>(sender: Sender<T>, message: T) -> std::io::Result<()> {
    signals(sender, message, None)
}

/// The same, and does something at each SIGUSR1, which would end the process
/// otherwise.
pub fn interrupted_or_asked<T: Send + 'static>(
    sender: Sender<T>,
    message: T,
    asked: impl Fn() + Send + 'static,
) -> std::io::Result<()> {
    signals(sender, message, Some(Box::new(asked)))
}

fn signals<T: Send + 'static>(
    sender: Sender<T>,
    message: T,
    asked: Option<Box<dyn Fn() + Send>>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut user = match asked {
        Some(_) => Some(signal(SignalKind::user_defined1())?),
        None => None,
    };
    drop(guard);
    thread::Builder::new()
        .name("signals".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            runtime.block_on(async {
                let user = async {
                    while let Some(user) = &mut user {
                        user.recv().await;
                        if let Some(asked) = &asked {
                            asked();
                        }
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = user => {}
                }
            });
            // Nobody waits any more when the command ended by itself.
            let _ = sender.send(message);
        })?;
    Ok(())
}
