//! `drupelet render jsonnet`: what `jsonnet` prints, with its flags.

use super::output;
use crate::jsonnet::{Importer, Limits, Output, Program, Variable, evaluate};
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What a Jsonnet program evaluates to, as `jsonnet` prints it
#[derive(Args)]
pub struct RenderJsonnet {
    /// File with the program, or - for stdin
    file: String,
    /// FILE is the program itself
    #[arg(short, long)]
    exec: bool,
    /// Folder for imports; of several the last wins. JSONNET_PATH has more
    #[arg(short = 'J', long = "jpath", value_name = "DIR")]
    jpath: Vec<PathBuf>,
    /// External variable as a string, from the environment without =VALUE
    #[arg(short = 'V', long, value_name = "NAME[=VALUE]")]
    ext_str: Vec<String>,
    #[arg(long, value_name = "NAME=FILE")]
    ext_str_file: Vec<String>,
    /// External variable as code
    #[arg(long, value_name = "NAME[=CODE]")]
    ext_code: Vec<String>,
    #[arg(long, value_name = "NAME=FILE")]
    ext_code_file: Vec<String>,
    /// Top-level argument as a string
    #[arg(short = 'A', long, value_name = "NAME[=VALUE]")]
    tla_str: Vec<String>,
    #[arg(long, value_name = "NAME=FILE")]
    tla_str_file: Vec<String>,
    /// Top-level argument as code
    #[arg(long, value_name = "NAME[=CODE]")]
    tla_code: Vec<String>,
    #[arg(long, value_name = "NAME=FILE")]
    tla_code_file: Vec<String>,
    /// Print the string that the program evaluates to
    #[arg(short = 'S', long)]
    string: bool,
    /// Print the array that the program evaluates to as a stream of documents
    #[arg(short, long, conflicts_with_all = ["string", "multi"])]
    yaml_stream: bool,
    /// Write each field to a file of this folder, and print the paths
    #[arg(short, long, value_name = "DIR")]
    multi: Option<PathBuf>,
    /// Make the folders that are written to
    #[arg(short, long)]
    create_output_dirs: bool,
    /// Write to this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// Calls within one another
    #[arg(short = 's', long, value_name = "N", default_value_t = Limits::FRAMES)]
    max_stack: u32,
    /// Print no line break at the end
    #[arg(long, conflicts_with = "yaml_stream")]
    no_trailing_newline: bool,
}

/// Of the stack of a process's first thread, which has 8 MiB.
const STACK: usize = 6 * 1024 * 1024;

pub fn run(arguments: &RenderJsonnet) -> anyhow::Result<()> {
    let (name, text) = program(arguments)?;
    let external = variables([
        (&arguments.ext_str, Kind::Text),
        (&arguments.ext_str_file, Kind::TextFile),
        (&arguments.ext_code, Kind::Code),
        (&arguments.ext_code_file, Kind::CodeFile),
    ])?;
    let top_level = variables([
        (&arguments.tla_str, Kind::Text),
        (&arguments.tla_str_file, Kind::TextFile),
        (&arguments.tla_code, Kind::Code),
        (&arguments.tla_code_file, Kind::CodeFile),
    ])?;
    let files = Files {
        folders: folders(&arguments.jpath),
    };
    let program = Program {
        name: &name,
        text: &text,
        external: &external,
        arguments: &top_level,
        limits: Limits {
            frames: arguments.max_stack,
            stack: STACK,
            ..Limits::patient()
        },
    };
    let form = match (&arguments.multi, arguments.string, arguments.yaml_stream) {
        (Some(_), true, _) => Output::TextFiles,
        (Some(_), false, _) => Output::Files,
        (None, true, _) => Output::Text,
        (None, false, true) => Output::Stream,
        (None, false, false) => Output::Json,
    };
    let parts = evaluate(&program, &files, form)?;
    let end = if arguments.no_trailing_newline {
        ""
    } else {
        "\n"
    };
    let mut printed = String::new();
    if let Some(folder) = &arguments.multi {
        for (name, text) in &parts {
            let path = inside(folder, name)?;
            write(&path, &format!("{text}{end}"), arguments.create_output_dirs)?;
            printed.push_str(&format!("{}\n", path.display()));
        }
    } else if form == Output::Stream {
        for (_, text) in &parts {
            printed.push_str(&format!("---\n{text}\n"));
        }
        if !parts.is_empty() {
            printed.push_str("...\n");
        }
    } else {
        for (_, text) in &parts {
            printed.push_str(&format!("{text}{end}"));
        }
    }
    match &arguments.output_file {
        None => output::print(&printed),
        Some(file) => write(file, &printed, arguments.create_output_dirs),
    }
}

/// Name and text of the program.
fn program(arguments: &RenderJsonnet) -> anyhow::Result<(String, String)> {
    let file = &arguments.file;
    if arguments.exec {
        return Ok(("<cmdline>".to_owned(), file.clone()));
    }
    if file == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("<stdin>")?;
        return Ok(("<stdin>".to_owned(), text));
    }
    let bytes = fs::read(file).with_context(|| file.clone())?;
    Ok((file.clone(), String::from_utf8_lossy(&bytes).into_owned()))
}

/// The folders for imports, the one that is asked first in front.
fn folders(given: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = given.iter().rev().cloned().collect();
    if let Some(paths) = std::env::var_os("JSONNET_PATH") {
        folders.extend(std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()));
    }
    folders
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    TextFile,
    Code,
    CodeFile,
}

fn variables(given: [(&Vec<String>, Kind); 4]) -> anyhow::Result<Vec<Variable>> {
    let mut variables = Vec::new();
    for (texts, kind) in given {
        for text in texts {
            variables.push(variable(text, kind)?);
        }
    }
    Ok(variables)
}

fn variable(text: &str, kind: Kind) -> anyhow::Result<Variable> {
    let (name, value) = match (text.split_once('='), kind) {
        (Some((name, value)), _) => (name, value.to_owned()),
        (None, Kind::Text | Kind::Code) => {
            let value = std::env::var(text)
                .map_err(|_| anyhow!("environment variable {text} was undefined"))?;
            (text, value)
        }
        (None, Kind::TextFile | Kind::CodeFile) => {
            bail!("argument not in form <var>=<file> \"{text}\"")
        }
    };
    let (value, is_code) = match kind {
        Kind::Text => (value, false),
        Kind::Code => (value, true),
        // As programs, so that they are found as imports are.
        Kind::TextFile => (format!("importstr @'{}'", value.replace('\'', "''")), true),
        Kind::CodeFile => (format!("import @'{}'", value.replace('\'', "''")), true),
    };
    Ok(Variable {
        name: name.to_owned(),
        value,
        is_code,
    })
}

/// A file of the folder; its name comes from the program.
fn inside(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let is_inside = !name.is_empty()
        && !name.starts_with('/')
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_inside {
        bail!(
            "{name:?}: the name of a file leads outside of {}",
            folder.display()
        );
    }
    Ok(folder.join(name))
}

fn write(path: &Path, text: &str, make_folders: bool) -> anyhow::Result<()> {
    if make_folders && let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Imports from the disk: beside the file that imports, then in the folders.
struct Files {
    folders: Vec<PathBuf>,
}

impl Importer for Files {
    fn import(&self, from: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        let beside = match from.rfind('/') {
            Some(end) => PathBuf::from(&from[..=end]),
            None => PathBuf::new(),
        };
        for folder in std::iter::once(&beside).chain(&self.folders) {
            let file = folder.join(path);
            match fs::read(&file) {
                Ok(bytes) => return Ok((file.to_string_lossy().into_owned(), bytes)),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => return Err(format!("{}: {error}", file.display())),
            }
        }
        Err(format!(
            "couldn't open import {path:?}: no match locally or in the Jsonnet library paths"
        ))
    }
}
