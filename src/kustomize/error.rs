use super::need::Need;

/// Why a kustomization could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// The words name the file, and what is wrong in it.
    #[error("{0}")]
    Wrong(String),
    /// To be fetched; then the build is started again.
    #[error("{}", words(.0))]
    Needs(Vec<Need>),
}

fn words(needs: &[Need]) -> String {
    let needs: Vec<String> = needs.iter().map(Need::to_string).collect();
    format!("not fetched yet: {}", needs.join(", "))
}

impl BuildError {
    pub fn wrong(words: impl Into<String>) -> Self {
        BuildError::Wrong(words.into())
    }

    /// Puts the place in front.
    pub fn at(self, place: &str) -> Self {
        match self {
            BuildError::Wrong(words) => BuildError::Wrong(format!("{place}: {words}")),
            needs @ BuildError::Needs(_) => needs,
        }
    }
}

impl From<String> for BuildError {
    fn from(words: String) -> Self {
        BuildError::Wrong(words)
    }
}
