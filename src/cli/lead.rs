//! The options of an agent that stands by for others.

use crate::kube::election::{MIN_DURATION, Terms, identity};
use anyhow::{Context, bail};
use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub struct Lead {
    /// Work only while holding a Lease in the namespace: of several agents one
    /// works, and the others stand by for it
    #[arg(long, conflicts_with = "observe")]
    pub leader_elect: bool,
    /// Another agent takes over so long after the last renewal; a single write
    /// may take about a third of it
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "15s",
        value_parser = humantime::parse_duration,
        requires = "leader_elect"
    )]
    lease_duration: Duration,
    /// Pause between two renewals; half of the duration where it is not given
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = humantime::parse_duration,
        requires = "leader_elect"
    )]
    lease_renew: Option<Duration>,
    /// Name of the Lease
    #[arg(
        long,
        value_name = "NAME",
        default_value = "drupelet",
        requires = "leader_elect"
    )]
    lease_name: String,
}

impl Lead {
    /// `None` where nobody is elected.
    pub fn terms(&self, namespace: &str) -> anyhow::Result<Option<Terms>> {
        if !self.leader_elect {
            return Ok(None);
        }
        let duration = self.lease_duration;
        if duration < MIN_DURATION || duration.subsec_nanos() != 0 {
            bail!("--lease-duration: whole seconds, at least {MIN_DURATION:?}");
        }
        let renew = self.lease_renew.unwrap_or(duration / 2);
        if renew.is_zero() || renew > duration * 2 / 3 {
            bail!("--lease-renew: at most two thirds of --lease-duration ({duration:?})");
        }
        Ok(Some(Terms {
            namespace: namespace.to_owned(),
            name: self.lease_name.clone(),
            identity: identity().context("no number can be drawn for this process")?,
            duration,
            renew,
        }))
    }
}
