use super::checkpoint;
use crate::tree::{Entry, Tree, TreeError};

/// A tree of which each look is a step of the job that reads it.
pub struct Steps(pub Box<dyn Tree>);

impl Tree for Steps {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        step(path)?;
        self.0.entry(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        step(directory)?;
        self.0.list(directory)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        step(file)?;
        self.0.read(file)
    }
}

fn step(path: &str) -> Result<(), TreeError> {
    checkpoint().map_err(|over| TreeError::Read {
        path: path.to_owned(),
        cause: over.to_string(),
    })
}
