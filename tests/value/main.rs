//! Values against what sigs.k8s.io/yaml v1.6.0 says, recorded by tests/oracle/yaml:
//! `go run . parse <../../value/parse.jsonl >../../value/parse.recorded.jsonl`.

mod differential;
mod glob;
mod locate;
mod patch;
mod yaml;
