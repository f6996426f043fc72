//! What several test programs share: servers on loopback, repositories.

pub mod repository;
pub mod serve;
