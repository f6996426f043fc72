//! `drupelet migrate` on the sandbox and on a real kube-apiserver: what it
//! says of a cluster that runs Argo CD, and the way there and back without a
//! new generation of any workload. Alone in its process: no agent of another
//! test may meet Argo CD's controller.

#[path = "../support/mod.rs"]
#[allow(dead_code)] // each test program uses its part of the shared support
mod support;

#[path = "../reconcile/world.rs"]
#[allow(dead_code)] // as above
mod world;

#[path = "../reconcile/node.rs"]
#[allow(dead_code)] // as above
mod node;

#[path = "../cli/command.rs"]
#[allow(dead_code)] // as above
mod command;

mod report;

mod there_and_back;

mod gitops_engine;
