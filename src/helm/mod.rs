//! Helm charts: values, dependencies, release data, output order.
