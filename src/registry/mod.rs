//! Helm repositories and OCI registries.
