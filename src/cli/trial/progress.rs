//! Live progress: on a terminal a table that is drawn anew, elsewhere a line
//! for each change.

use super::report;
use crate::agent::{AppView, Handle};
use crate::app::SyncCode;
use crate::cli::output;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(200);

/// Shows progress until everything has settled; false on Ctrl-C and when it
/// takes too long.
pub fn until_settled(handle: &Handle, interrupt: &Receiver<()>, longest: Duration) -> bool {
    let (sender, settled) = channel();
    let asked = handle.clone();
    thread::spawn(move || {
        if asked.await_settled(longest) {
            // The reader may have given up.
            let _ = sender.send(());
        }
    });
    let mut screen = Screen::new();
    let end = Instant::now() + longest;
    loop {
        screen.show(&handle.apps());
        match settled.recv_timeout(TICK) {
            Ok(()) => {
                screen.show(&handle.apps());
                screen.leave();
                return true;
            }
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupt.try_recv().is_ok() || Instant::now() > end {
            screen.leave();
            return false;
        }
    }
}

/// Shows progress until somebody says something, as on Ctrl-C; what was said.
pub fn follow<T>(handle: &Handle, interrupt: &Receiver<T>) -> Option<T> {
    let mut screen = Screen::new();
    let said = loop {
        screen.show(&handle.apps());
        match interrupt.recv_timeout(TICK) {
            Ok(said) => break Some(said),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    screen.leave();
    said
}

struct Screen {
    is_terminal: bool,
    colour: bool,
    drawn: usize,
    last: Vec<AppView>,
    told: BTreeMap<String, String>,
}

impl Screen {
    fn new() -> Self {
        Screen {
            is_terminal: io::stderr().is_terminal(),
            colour: output::colour(&io::stderr()),
            drawn: 0,
            last: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    fn show(&mut self, apps: &[AppView]) {
        if apps == self.last.as_slice() {
            return;
        }
        self.last = apps.to_vec();
        if self.is_terminal {
            self.draw(apps);
        } else {
            self.tell(apps);
        }
    }

    fn draw(&mut self, apps: &[AppView]) {
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A\x1b[J", self.drawn));
        }
        let mut lines = vec![format!(
            "{:<28} {:<10} {:<12} {}",
            "APPLICATION", "SYNC", "HEALTH", "NOW"
        )];
        for app in apps {
            let line = format!(
                "{:<28} {:<10} {:<12} {}",
                shortened(&app.name, 28),
                app.sync.as_str(),
                app.health,
                shortened(&now(app), 60)
            );
            lines.push(match (self.colour, app.sync) {
                (false, _) => line,
                (true, SyncCode::Synced) => format!("\x1b[32m{line}\x1b[0m"),
                (true, SyncCode::OutOfSync) => format!("\x1b[33m{line}\x1b[0m"),
                (true, SyncCode::Unknown) => line,
            });
        }
        self.drawn = lines.len();
        text.push_str(&lines.join("\n"));
        text.push('\n');
        // Progress that cannot be shown is no reason to stop.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn tell(&mut self, apps: &[AppView]) {
        for app in apps {
            let now = now(app);
            let line = format!("{:<10} {:<12} {now}", app.sync.as_str(), app.health);
            if self.told.get(&app.name) != Some(&line) {
                eprintln!("{:<28} {}", app.name, line.trim_end());
                self.told.insert(app.name.clone(), line);
            }
        }
    }

    fn leave(&mut self) {
        self.drawn = 0;
    }
}

/// What an application is busy with, or what keeps it.
fn now(app: &AppView) -> String {
    match app.activity {
        "" => report::causes(app)
            .into_iter()
            .next()
            .filter(|_| app.sync != SyncCode::Synced)
            .unwrap_or_default(),
        "syncing" if !app.message.is_empty() => format!("syncing: {}", app.message),
        "waiting to retry" => app.message.clone(),
        other => other.to_owned(),
    }
}

fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(most - 1).collect();
    short.push('…');
    short
}
