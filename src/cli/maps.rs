//! `--map REPO-URL=PATH`: local clones that stand for repositories.

use crate::agent::{Seed, Sources};
use crate::git::{Cache, Limits, Locator};
use crate::http;
use crate::registry::Charts;
use anyhow::{Context, bail};
use clap::Args;
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
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

    /// For a command that can do with a cache of its own: the same, with another
    /// folder where a process has the usual one, which is gone when it is dropped.
    pub fn apart_where_in_use(&self) -> anyhow::Result<(Self, Option<OwnCache>)> {
        // Somebody wants this one and no other.
        if self.cache_dir.is_some() {
            return Ok((self.clone(), None));
        }
        let usual = self.cache_directory();
        let is_in_use = match Cache::open(&usual.join("git"), Limits::default()) {
            // Another error comes again, with its words, when it is used.
            Ok(_) => false,
            Err(error) => error.is_in_use(),
        };
        if !is_in_use {
            return Ok((self.clone(), None));
        }
        let own = std::env::temp_dir().join(format!("drupelet-cache-{}", std::process::id()));
        let shown = own.display();
        DirBuilder::new()
            .mode(0o700)
            .create(&own)
            .with_context(|| format!("cannot make {shown}, since {} is in use", usual.display()))?;
        eprintln!("the cache {} is in use: {shown} is taken", usual.display());
        let maps = Maps {
            cache_dir: Some(own.clone()),
            ..self.clone()
        };
        Ok((maps, Some(OwnCache(own))))
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

    fn apply(&self, locator: &mut Locator) -> anyhow::Result<()> {
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

/// A cache for one process.
pub struct OwnCache(PathBuf);

impl Drop for OwnCache {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
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
