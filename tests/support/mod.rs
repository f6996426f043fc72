//! What several test programs share: servers on loopback, repositories, charts.

pub mod apiserver;
pub mod cluster;
pub mod digest;
pub mod git_server;
pub mod lfs_server;
pub mod program;
pub mod proxy;
pub mod repository;
pub mod serve;
pub mod signer;
pub mod ssh_server;
pub mod tgz;
