//! `drupelet render kustomize`: what `kustomize build` prints, with its flags.

use super::disk::Disk;
use super::host::SystemHost;
use super::output;
use crate::gotmpl::Limits;
use crate::kustomize::{HelmOptions, Nothing, Options, build};
use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The resources of a kustomization, as `kustomize build` prints them
#[derive(Args)]
pub struct RenderKustomize {
    /// Folder of the kustomization
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Inflate the charts of helmCharts
    #[arg(long)]
    enable_helm: bool,
    /// Whether files may stand outside of the folder that names them
    #[arg(long, value_enum, default_value_t = LoadRestrictor::RootOnly)]
    load_restrictor: LoadRestrictor,
    /// Kubernetes version that charts are told
    #[arg(long, value_name = "V")]
    helm_kube_version: Option<String>,
    /// API versions that charts are told are there; may be repeated
    #[arg(long, value_name = "A")]
    helm_api_versions: Vec<String>,
    /// Write to this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LoadRestrictor {
    #[value(name = "LoadRestrictionsRootOnly", alias = "RootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone", alias = "None")]
    Nothing,
}

pub fn run(arguments: &RenderKustomize) -> anyhow::Result<()> {
    let given = arguments.folder.display();
    let folder = arguments
        .folder
        .canonicalize()
        .with_context(|| given.to_string())?;
    let folder = folder
        .to_str()
        .ok_or_else(|| anyhow!("{given}: the path is not UTF-8"))?;
    let host = SystemHost::new()?;
    let options = Options {
        root_only: arguments.load_restrictor == LoadRestrictor::RootOnly,
        helm: arguments.enable_helm.then(|| HelmOptions {
            kube_version: arguments.helm_kube_version.clone().unwrap_or_default(),
            api_versions: arguments.helm_api_versions.clone(),
            host: &host,
            limits: Limits::patient(),
            charts: &|_| None,
        }),
        fetched: &Nothing,
        adjust: &|_| Ok(()),
    };
    let built = build(&Disk, folder.trim_start_matches('/'), &options)?;
    let text = built.to_yaml();
    // The process ends here, which frees faster.
    std::mem::forget(built);
    match &arguments.output {
        None => output::print(&text),
        Some(file) if file.is_dir() => bail!("{}: is a folder", file.display()),
        Some(file) => std::fs::write(file, text).with_context(|| file.display().to_string()),
    }
}
