//! What the survey says of one thing.

use crate::cli::output;
use crate::value::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    NotSupported,
    /// It could not be told.
    Unknown,
    /// It goes on, but not as it was.
    Changes,
    CarriesOver,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Verdict::NotSupported => "NotSupported",
            Verdict::Unknown => "Unknown",
            Verdict::Changes => "Changes",
            Verdict::CarriesOver => "CarriesOver",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `Application argocd/web`, `ConfigMap argocd/argocd-cm`.
    pub subject: String,
    pub verdict: Verdict,
    pub message: String,
}

impl Finding {
    pub fn new(subject: &str, verdict: Verdict, message: impl Into<String>) -> Self {
        Finding {
            subject: subject.to_owned(),
            verdict,
            message: message.into(),
        }
    }

    pub fn to_value(&self) -> Value {
        Value::Map(Map::from_iter([
            ("subject", self.subject.as_str()),
            ("verdict", self.verdict.as_str()),
            ("message", self.message.as_str()),
        ]))
    }
}

/// What does not carry over; `wide`: and what does.
pub fn table(findings: &[Finding], wide: bool) -> String {
    let mut shown: Vec<&Finding> = findings
        .iter()
        .filter(|finding| wide || finding.verdict != Verdict::CarriesOver)
        .collect();
    shown.sort_by_key(|finding| finding.verdict);
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|finding| {
            vec![
                finding.verdict.as_str().to_owned(),
                finding.subject.clone(),
                finding.message.clone(),
            ]
        })
        .collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&output::table(&["VERDICT", "SUBJECT", "MESSAGE"], &rows));
    }
    let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    text.push_str(&format!(
        "{} carry over, {} change, {} are not supported, {} could not be told\n",
        count(Verdict::CarriesOver),
        count(Verdict::Changes),
        count(Verdict::NotSupported),
        count(Verdict::Unknown)
    ));
    text
}
