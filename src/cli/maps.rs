//! `--map REPO-URL=PATH`: local clones that stand for repositories.

use crate::agent::{Seed, Sources};
use crate::git::{Cache, Limits, Locator};
use crate::http;
use crate::registry::Charts;
use anyhow::{Context, bail};
use clap::Args;
use std::io::Read;
use std::path::PathBuf;

#[derive(Args, Clone, Default)]
pub struct Maps {
    /// Take a local clone (or folder) for a repository URL; may be repeated
    #[arg(long = "map", value_name = "REPO-URL=PATH")]
    maps: Vec<String>,
    /// Folder for what is fetched; else $CACHE_DIRECTORY, $XDG_CACHE_HOME/drupelet, ~/.cache/drupelet
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Refuse what kustomizations take from other repositories and by URL
    #[arg(long)]
    no_remote_bases: bool,
}

impl Maps {
    /// The repositories that a command may use: those that are mapped, the
    /// others through the cache.
    pub fn sources(&self, mut locator: Locator, seed: Seed) -> anyhow::Result<Sources> {
        self.apply(&mut locator)?;
        let directory = self.cache_directory();
        let cache = Cache::open(&directory.join("git"), Limits::default());
        locator.cache = Some(cache.with_context(|| {
            let shown = directory.display();
            format!("the cache {shown} is not to be had; --cache-dir names another folder")
        })?);
        let charts = Charts::open(&directory.join("charts"), Default::default())?;
        let variable = |name: &str| std::env::var(name).ok();
        let http = http::Client::new(http::Settings {
            proxy: http::ProxyChoice::from_variables(variable),
            ..http::Settings::default()
        })?;
        let sources = Sources::new(locator, charts, http, seed);
        if self.no_remote_bases {
            sources.refuse_remotes();
        }
        Ok(sources)
    }

    pub fn cache_directory(&self) -> PathBuf {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|text| !text.is_empty())
                .map(PathBuf::from)
        };
        self.cache_dir
            .clone()
            .or_else(|| variable("CACHE_DIRECTORY"))
            .or_else(|| variable("XDG_CACHE_HOME").map(|home| home.join("drupelet")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/drupelet")))
            .unwrap_or_else(|| std::env::temp_dir().join("drupelet-cache"))
    }

    pub fn apply(&self, locator: &mut Locator) -> anyhow::Result<()> {
        for text in &self.maps {
            let (url, path) = split(text)?;
            if !path.exists() {
                bail!("--map {text}: {} does not exist", path.display());
            }
            let path = path
                .canonicalize()
                .with_context(|| format!("--map {text}"))?;
            locator
                .map(url, path)
                .with_context(|| format!("--map {text}"))?;
        }
        Ok(())
    }
}

/// The last `=` splits: URLs may hold one, paths hardly.
fn split(text: &str) -> anyhow::Result<(&str, PathBuf)> {
    match text.rsplit_once('=') {
        Some((url, path)) if !url.is_empty() && !path.is_empty() => Ok((url, PathBuf::from(path))),
        _ => bail!("--map {text}: REPO-URL=PATH expected"),
    }
}

/// Randomness of the system, for a process that keeps none.
pub fn fresh_seed() -> anyhow::Result<Seed> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(Seed(bytes))
}
