//! The options of an agent that is one of several.

use crate::kube::election::{MIN_DURATION, Terms, identity};
use anyhow::{Context, bail};
use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub struct Lead {
    /// Work only while holding a Lease in the namespace: of several agents one
    /// works, and the others stand by for it
    #[arg(long, group = "together", conflicts_with = "observe")]
    leader_elect: bool,
    /// Share the Applications with other agents, each with a Lease of its own in
    /// the namespace: an Application is one agent's, and another's when that is gone
    #[arg(long, group = "together", conflicts_with = "observe")]
    pub shard: bool,
    /// Another agent takes over so long after the last renewal; a single write
    /// may take about a third of it
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "15s",
        value_parser = humantime::parse_duration,
        requires = "together"
    )]
    lease_duration: Duration,
    /// Pause between two renewals; half of the duration where it is not given
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = humantime::parse_duration,
        requires = "together"
    )]
    lease_renew: Option<Duration>,
    /// Name of the Lease; with --shard, of the group of agents
    #[arg(
        long,
        value_name = "NAME",
        default_value = "drupelet",
        requires = "together"
    )]
    lease_name: String,
}

/// How an agent works beside others.
pub enum Together {
    /// One leads, the others stand by.
    Leads(Terms),
    Shares(Terms),
}

impl Lead {
    /// `None` where it is the only one.
    pub fn together(&self, namespace: &str) -> anyhow::Result<Option<Together>> {
        Ok(match (self.leader_elect, self.shard) {
            (true, _) => Some(Together::Leads(self.terms(namespace)?)),
            (false, true) => Some(Together::Shares(self.terms(namespace)?)),
            (false, false) => None,
        })
    }

    fn terms(&self, namespace: &str) -> anyhow::Result<Terms> {
        let duration = self.lease_duration;
        if duration < MIN_DURATION || duration.subsec_nanos() != 0 {
            bail!("--lease-duration: whole seconds, at least {MIN_DURATION:?}");
        }
        let renew = self.lease_renew.unwrap_or(duration / 2);
        if renew.is_zero() || renew > duration * 2 / 3 {
            bail!("--lease-renew: at most two thirds of --lease-duration ({duration:?})");
        }
        Ok(Terms {
            namespace: namespace.to_owned(),
            name: self.lease_name.clone(),
            identity: identity().context("no number can be drawn for this process")?,
            duration,
            renew,
        })
    }
}
