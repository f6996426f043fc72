//! What several test programs share: servers on loopback, repositories.

pub mod apiserver;
pub mod proxy;
pub mod repository;
pub mod serve;
