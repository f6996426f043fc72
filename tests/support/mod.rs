//! What several test programs share: servers on loopback.

pub mod serve;
