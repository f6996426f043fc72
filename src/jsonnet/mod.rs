//! Jsonnet: files to objects.
