//! `drupelet render helm`: what `helm template` prints, with its flags.

use super::chart_folder::ChartFolder;
use super::helm_flags::WithoutEffect;
use super::host::SystemHost;
use crate::gotmpl::Limits;
use crate::helm::{
    Capabilities, Chart, KubeVersion, LoadError, Printed, Release, ReleaseOptions, RenderError,
    RenderOptions, Unread, ValueOptions, path_match, release_name, render, split_manifests,
};
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

/// The manifests of a chart, as `helm template` prints them
#[derive(Args)]
pub struct RenderHelm {
    /// [NAME] CHART: a folder or a packed chart, in front of it the release's name
    #[arg(required = true, value_name = "CHART")]
    chart: Vec<String>,
    /// Name of the release
    #[arg(long)]
    name: Option<String>,
    /// A template of the release's name
    #[arg(long, conflicts_with = "name")]
    name_template: Option<String>,
    /// Make up the release's name from the chart and the time
    #[arg(short, long, conflicts_with = "name")]
    generate_name: bool,
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Values file; may be given several times, later ones win; - is stdin
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    values: Vec<String>,
    /// key=value,key=value
    #[arg(long, value_name = "VALUES")]
    set: Vec<String>,
    /// The same, each value a string
    #[arg(long, value_name = "VALUES")]
    set_string: Vec<String>,
    /// The same, each value the text of a file
    #[arg(long, value_name = "VALUES")]
    set_file: Vec<String>,
    /// The same, each value JSON; or one JSON object
    #[arg(long, value_name = "VALUES")]
    set_json: Vec<String>,
    /// key=value, the rest of the text taken as it is
    #[arg(long, value_name = "VALUE")]
    set_literal: Vec<String>,
    /// Kubernetes version that the templates see
    #[arg(long)]
    kube_version: Option<String>,
    /// API versions that the templates see, beside Helm's own
    #[arg(short, long, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Print the files of crds/ too
    #[arg(long)]
    include_crds: bool,
    #[arg(long, hide = true)]
    skip_crds: bool,
    /// Leave test hooks out
    #[arg(long)]
    skip_tests: bool,
    /// Leave all hooks out
    #[arg(long)]
    no_hooks: bool,
    /// Only what these templates render, as globs relative to the chart
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Do not check the values against values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Write one file a template below this folder instead of printing
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
    /// A folder with the release's name below --output-dir
    #[arg(long)]
    release_name: bool,
    /// Refused: it would need a cluster
    #[arg(long, hide = true)]
    validate: bool,
    #[command(flatten)]
    without_effect: WithoutEffect,
}

/// Helm's stack ends after 1,000 includes within one another, ours sooner: a chart
/// that goes deep is rendered again where there is room for as many.
pub fn run(arguments: &RenderHelm) -> anyhow::Result<()> {
    let limits = Limits::patient();
    let result = run_within(arguments, limits);
    let is_too_deep = result.as_ref().is_err_and(|error| {
        let error = error.downcast_ref::<RenderError>();
        error.is_some_and(RenderError::is_too_deep)
    });
    let reads_stdin = arguments.values.iter().any(|path| path.trim() == "-");
    if !is_too_deep || reads_stdin {
        return result;
    }
    let limits = Limits {
        stack: Limits::HELM_STACK,
        ..limits
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(Limits::HELM_STACK + REST_OF_STACK)
            .spawn_scoped(scope, || run_within(arguments, limits))
            .context("a thread for a deep chart")?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// What a thread needs beside a render.
const REST_OF_STACK: usize = 2 << 20;

fn run_within(arguments: &RenderHelm, limits: Limits) -> anyhow::Result<()> {
    if arguments.validate {
        bail!(
            "--validate asks a cluster whether it would take the objects; render helm talks to \
             none: apply what it prints with kubectl apply --dry-run=server"
        );
    }
    let kube_version = arguments.kube_version.as_deref().filter(|v| !v.is_empty());
    let mut capabilities = Capabilities {
        api_versions: arguments.api_versions.clone(),
        ..Capabilities::default()
    };
    if let Some(version) = kube_version {
        capabilities.kube_version = KubeVersion::parse(version)?;
    }
    let host = SystemHost::new()?;
    let (name, path) = name_and_chart(arguments, &host)?;
    let values =
        read_values(arguments)?.merge(&|path| read_file(path).map_err(|e| e.to_string()))?;
    let options = RenderOptions {
        release: ReleaseOptions {
            name: name.clone(),
            namespace: arguments.namespace.clone(),
            is_upgrade: arguments.is_upgrade,
        },
        capabilities,
        values,
        skip_schema_validation: arguments.skip_schema_validation,
        ignore_missing_dependencies: false,
        host: &host,
        limits,
        ends_process: true,
    };
    let release = if arguments.include_crds {
        render(load(&path)?, &options)?
    } else {
        let unread = Unread::default();
        let result = render(load_without_files(&path, &unread)?, &options);
        if unread.was_missed() {
            render(load(&path)?, &options)?
        } else {
            result?
        }
    };
    for warning in &release.warnings {
        eprintln!("warning: {warning}");
    }
    let printed = Printed {
        crds: arguments.include_crds,
        hooks: !arguments.no_hooks,
        tests: !arguments.skip_tests,
    };
    if let Some(folder) = &arguments.output_dir {
        let folder = if arguments.release_name {
            folder.join(&name)
        } else {
            folder.clone()
        };
        return write_files(&release, printed, &folder);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if arguments.show_only.is_empty() {
        release.print(printed, |piece| out.write_all(piece))?;
    } else {
        show_only(&release, printed, &arguments.show_only, &mut out)?;
    }
    out.flush().context("stdout")?;
    // The process ends here, which frees faster.
    std::mem::forget(release);
    Ok(())
}

/// The name of the release and the path of the chart.
fn name_and_chart(arguments: &RenderHelm, host: &SystemHost) -> anyhow::Result<(String, String)> {
    if let [_, _, more @ ..] = &arguments.chart[..]
        && !more.is_empty()
    {
        let more = more.join(", ");
        bail!("expected at most two arguments, unexpected arguments: {more}");
    }
    if let [name, chart] = &arguments.chart[..] {
        if arguments.name.is_some() || arguments.generate_name || arguments.name_template.is_some()
        {
            bail!("the release's name is given twice");
        }
        return Ok((name.clone(), chart.clone()));
    }
    let chart = arguments.chart[0].clone();
    if let Some(name) = &arguments.name {
        return Ok((name.clone(), chart));
    }
    if let Some(template) = &arguments.name_template {
        let name = release_name(template, host, Limits::patient())?;
        return Ok((name, chart));
    }
    if arguments.generate_name {
        let base = Path::new(&chart).file_name().map(|n| n.to_string_lossy());
        let base = base.as_deref().unwrap_or("chart");
        let base = base.split('.').next().unwrap_or(base);
        let seconds = host.now_seconds();
        return Ok((format!("{base}-{seconds}"), chart));
    }
    Ok(("release-name".to_owned(), chart))
}

fn read_values(arguments: &RenderHelm) -> anyhow::Result<ValueOptions> {
    let mut files = Vec::new();
    for path in &arguments.values {
        files.push((path.clone(), read_file(path)?));
    }
    Ok(ValueOptions {
        files,
        json: arguments.set_json.clone(),
        set: arguments.set.clone(),
        string: arguments.set_string.clone(),
        file: arguments.set_file.clone(),
        literal: arguments.set_literal.clone(),
    })
}

fn read_file(path: &str) -> anyhow::Result<Vec<u8>> {
    if path.trim() == "-" {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).context("stdin")?;
        return Ok(text);
    }
    fs::read(path).map_err(|error| anyhow!("open {path}: {}", plain(&error)))
}

/// An error of the system in the words of Go, which scripts look for.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// The chart at a path that the user gave.
pub fn load(path: &str) -> anyhow::Result<Chart> {
    load_by(path, Chart::from_archive)
}

fn load_without_files(path: &str, unread: &Unread) -> anyhow::Result<Chart> {
    load_by(path, |packed| {
        Chart::from_archive_without_files(packed, unread)
    })
}

fn load_by(
    path: &str,
    unpack: impl FnOnce(fs::File) -> Result<Chart, LoadError>,
) -> anyhow::Result<Chart> {
    let metadata = fs::metadata(path).map_err(|_| anyhow!("path {path:?} not found"))?;
    if metadata.is_dir() {
        if !Path::new(path).join("Chart.yaml").exists() {
            let path = fs::canonicalize(path)?.join("Chart.yaml");
            let path = path.display();
            bail!("unable to detect chart at {path}: open {path}: no such file or directory");
        }
        return Ok(Chart::from_tree(&ChartFolder(path.into()), "")?);
    }
    let file = fs::File::open(path).map_err(|error| anyhow!("open {path}: {}", plain(&error)))?;
    unpack(file).with_context(|| path.to_owned())
}

/// As Helm does it: on the printed text, cut into documents again.
fn show_only(
    release: &Release,
    printed: Printed,
    patterns: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    release.print(printed, |piece| text.write_all(piece))?;
    let text = String::from_utf8_lossy(&text);
    let documents: Vec<(&str, &str)> = split_manifests(&text)
        .filter_map(|document| Some((source_of(document)?, document)))
        .collect();
    let mut shown = Vec::new();
    for pattern in patterns {
        let before = shown.len();
        let matching = documents
            .iter()
            .filter(|(source, _)| path_match(pattern, source).unwrap_or(false));
        shown.extend(matching.map(|(_, document)| *document));
        if shown.len() == before {
            bail!("could not find template {pattern} in chart");
        }
    }
    for document in shown {
        writeln!(out, "---\n{document}")?;
    }
    Ok(())
}

/// The path behind the chart's name in the first `# Source:` line.
fn source_of(document: &str) -> Option<&str> {
    const MARK: &str = "# Source: ";
    document.match_indices(MARK).find_map(|(at, _)| {
        let line = document[at + MARK.len()..].lines().next()?;
        let (chart, path) = line.split_once('/')?;
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}

fn write_files(release: &Release, printed: Printed, folder: &Path) -> anyhow::Result<()> {
    let mut written = BTreeSet::new();
    let mut write = |source: &str, text: &[u8]| -> anyhow::Result<()> {
        let path = folder.join(source);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        }
        let is_new = written.insert(source.to_owned());
        let mut file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .append(!is_new)
            .truncate(is_new)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        write!(file, "---\n# Source: {source}\n")?;
        file.write_all(text)?;
        file.write_all(b"\n")?;
        println!("wrote {}", path.display());
        Ok(())
    };
    if printed.crds {
        for crd in &release.crds {
            write(&crd.source, &crd.data)?;
        }
    }
    for manifest in &release.manifests {
        write(&manifest.source, manifest.text.as_bytes())?;
    }
    let hooks = release.hooks.iter().filter(|_| printed.hooks);
    for hook in hooks.filter(|hook| printed.tests || !hook.is_test()) {
        write(&hook.manifest.source, hook.manifest.text.as_bytes())?;
    }
    // Helm prints the empty manifest all the same.
    println!();
    Ok(())
}
