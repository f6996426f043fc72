//! Kustomize: kustomizations to objects.
