//! How results are printed: tables, JSON and YAML as kubectl prints them.

use crate::value::yaml;
use crate::value::{Map, Value};
use clap::ValueEnum;
use std::io::{self, IsTerminal, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Yaml,
    Wide,
    Name,
}

/// Logs go to stderr; warnings unless more is asked for.
pub fn start_logging(verbose: u8) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(colour(&io::stderr()))
        .with_target(false)
        .init();
}

/// Colour only on a terminal, and never against NO_COLOR.
pub fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
}

/// Writes to stdout; a reader that has gone away is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// One object or a List, as `kubectl get -o json|yaml` prints it.
pub fn print_value(value: &Value, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Yaml => print(&yaml::emit(value)),
        Format::Json | Format::Wide | Format::Name => {
            let mut text = value.to_json_pretty(4);
            text.push('\n');
            print(&text)
        }
    }
}

/// One answer in the shape that `-o` asks for; `table` is told whether it is
/// to be wide, `names` are those of `-o name`.
pub fn show(
    format: Option<Format>,
    value: impl FnOnce() -> Value,
    names: impl FnOnce() -> Vec<String>,
    text: impl FnOnce(bool) -> String,
) -> anyhow::Result<()> {
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => print_value(&value(), format),
        Some(Format::Name) => print(
            &names()
                .iter()
                .fold(String::new(), |text, name| text + name + "\n"),
        ),
        None => print(&text(false)),
        Some(Format::Wide) => print(&text(true)),
    }
}

/// Asks on a terminal; elsewhere only an option says yes.
pub fn confirm(question: &str, option: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        anyhow::bail!("{question} Say so with {option}");
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => anyhow::bail!("nothing was done"),
    }
}

/// A List of objects, as kubectl makes it.
pub fn list(items: Vec<Value>) -> Value {
    Value::Map(Map::from_iter([
        ("apiVersion", Value::from("v1")),
        ("kind", Value::from("List")),
        (
            "metadata",
            Value::Map(Map::from_iter([("resourceVersion", "")])),
        ),
        ("items", Value::Seq(items)),
    ]))
}

/// Columns as wide as their widest cell, three spaces between, as kubectl.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let head: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 3 - cell.chars().count()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How long ago a time was, in kubectl's short form: `45s`, `12m`, `3h`, `4d`.
pub fn age(time: &str, now: jiff::Timestamp) -> String {
    let Ok(time) = time.parse::<jiff::Timestamp>() else {
        return "<unknown>".to_owned();
    };
    let seconds = (now.as_second() - time.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
