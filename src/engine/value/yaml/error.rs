use granit_parser::{ErrorKind, ScanError};

/// Why a text is no YAML that Kubernetes' tools would read. The words are
/// go-yaml's, since those are what users know and search for; lines and
/// columns count from 1 and are the true ones (go-yaml's are often one off).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("yaml: line {line}, column {column}: {problem}")]
pub struct YamlError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

impl YamlError {
    pub(super) fn new(line: usize, column: usize, problem: impl Into<String>) -> Self {
        YamlError {
            line,
            column,
            problem: problem.into(),
        }
    }

    /// The same error where the text is a part of a file: its first line is
    /// line `first_line` of it.
    pub fn in_file_from(mut self, first_line: usize) -> Self {
        self.line += first_line.saturating_sub(1);
        self
    }
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        let at = error.marker();
        YamlError::new(at.line(), at.col() + 1, go_words(error.kind()))
    }
}

/// The parser's finer distinctions in the words that go-yaml has for them.
fn go_words(kind: &ErrorKind) -> String {
    use ErrorKind as K;
    let words = match kind {
        K::ExpectedBlockMappingKey | K::UnexpectedEofBlockMapping => "did not find expected key",
        K::ExpectedFlowMappingSeparator
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnclosedFlowCollection { open: '{' } => "did not find expected ',' or '}'",
        K::ExpectedFlowSequenceSeparator
        | K::UnexpectedEofFlowSequence
        | K::UnclosedFlowCollection { .. } => "did not find expected ',' or ']'",
        K::ExpectedBlockSequenceEntry | K::UnexpectedEofBlockSequence => {
            "did not find expected '-' indicator"
        }
        K::ExpectedNodeContent => "did not find expected node content",
        K::SimpleKeyExpected | K::InvalidSimpleKey => "could not find expected ':'",
        K::MappingValueNotAllowed | K::InvalidColonPlacement => {
            "mapping values are not allowed in this context"
        }
        K::MappingKeyNotAllowed => "mapping keys are not allowed in this context",
        K::BlockSequenceEntryNotAllowed | K::BlockEntryInFlowCollection => {
            "block sequence entries are not allowed in this context"
        }
        K::UnexpectedCharacter { .. } | K::TabNotAllowed | K::TabInBlockIndentation => {
            "found character that cannot start any token"
        }
        K::TabAtBlockScalarStart => "found a tab character where an indentation space is expected",
        K::UnclosedQuotedScalar => "found unexpected end of stream",
        K::DocumentIndicatorInQuotedScalar => "found unexpected document indicator",
        K::UnknownQuotedScalarEscape => "found unknown escape character",
        K::InvalidQuotedScalarHexEscape => "did not find expected hexdecimal number",
        K::InvalidUnicodeEscape => "found invalid Unicode character escape code",
        K::UndeclaredTagHandle => "found undefined tag handle",
        K::MissingAnchorOrAliasName => "did not find expected alphabetic or numeric character",
        K::RecursionLimitExceeded => "exceeded max depth",
        // The rest has no counterpart; the parser's own words say it.
        other => return other.to_string(),
    };
    words.to_owned()
}
