//! The reconcile suite: the agent against the sandbox and, where it is built,
//! against a real kube-apiserver. Each test works in namespaces and with
//! application names of its own, so that they run side by side.

#[path = "../support/mod.rs"]
#[allow(dead_code)] // each test program uses its part of the shared support
mod support;

mod world;

mod manifests;

mod case;
mod clusters;

mod node;

mod process;

mod state;

mod accounts;
mod apps;
mod attacks;
mod bad_input;
mod bases;
mod budget;
mod contract;
mod credentials;
mod deletion;
mod differences;
mod drift;
mod examples;
mod faults;
mod generated;
mod holds;
mod idle;
mod itself;
mod kills;
mod lookups;
mod machine;
mod memory;
mod metrics;
mod operations;
mod options;
mod projects;
mod prune;
mod settings;
mod signatures;
mod spec;
mod traces;
mod validate;
mod webhooks;
