//! Application, AppProject and their status; the schemas of their CRDs.
