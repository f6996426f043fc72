//! By whose rules a document is read.

/// What a key means that stands twice in one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    LastWins,
    Forbidden,
}

/// Whose rules say what a plain scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v2: `yes` is true, dates are text.
    V2,
    /// go-yaml v3 as kyaml decodes with it: `yes` is text, dates are times, an
    /// explicit key wins over a merged one. Annotations keep the text that
    /// they were written with, since kustomize writes them back as strings.
    Kyaml,
}

#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub duplicates: Duplicates,
    pub dialect: Dialect,
    /// Whether annotations are read as what they are.
    pub knows_places: bool,
}

impl Rules {
    pub const V2: Rules = Rules {
        duplicates: Duplicates::LastWins,
        dialect: Dialect::V2,
        knows_places: false,
    };
    pub const V2_STRICT: Rules = Rules {
        duplicates: Duplicates::Forbidden,
        ..Rules::V2
    };
    /// Of a resource.
    pub const KYAML: Rules = Rules {
        duplicates: Duplicates::Forbidden,
        dialect: Dialect::Kyaml,
        knows_places: true,
    };
    /// Of what is no resource.
    pub const KYAML_ELSEWHERE: Rules = Rules {
        knows_places: false,
        ..Rules::KYAML
    };

    /// Where the value of a key stands that is in a mapping of this depth.
    pub fn place_of(self, place: Place, depth: usize, key: &str) -> Place {
        if !self.knows_places {
            return Place::Elsewhere;
        }
        match (depth, place, key) {
            (1, _, "metadata") => Place::Metadata,
            (2, Place::Metadata, "annotations") | (3, Place::Annotations, _) => Place::Annotations,
            _ => Place::Elsewhere,
        }
    }
}

/// Where in a Kubernetes object a node stands, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Elsewhere,
    Metadata,
    Annotations,
}
