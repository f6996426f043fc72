//! Whether a repository can be reached with what is known of it.

use super::charts::{Asker, chart_repository};
use super::credentials::Registered;
use super::sources::Sources;
use crate::git;
use crate::kube::{self, Client};
use crate::object::Object;
use crate::registry;

/// No chart is called that: a repository that says so has been reached.
const NO_CHART: &str = "drupelet-connection-test";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    Works,
    Fails(String),
    /// A registry does not tell whether it knows the folder of a chart.
    Untold(String),
}

impl Sources {
    /// Takes in what the control namespace says of repositories now.
    pub fn learn(&self, client: &Client, namespace: &str) -> Result<(), kube::Error> {
        self.repositories().learn(client, namespace)
    }

    /// A Secret as if it stood in the control namespace.
    pub fn learn_secret(&self, secret: &Object) {
        self.repositories().put(secret);
    }

    pub fn registered(&self) -> Vec<Registered> {
        self.repositories().registered()
    }

    /// Asks a repository for as little as it can be asked for.
    pub fn connection(&self, kind: &str, url: &str, project: &str) -> Connection {
        match kind {
            "helm" | "oci" => self.chart_connection(url, project),
            _ => self.git_connection(url, project),
        }
    }

    fn git_connection(&self, url: &str, project: &str) -> Connection {
        let asked = self
            .repository(url, project)
            .and_then(|repository| repository.resolve(""));
        match asked {
            Ok(_) => Connection::Works,
            Err(error) => match error.fault {
                git::Fault::Unborn | git::Fault::NoSuchRevision(_) => Connection::Works,
                _ => Connection::Fails(error.to_string()),
            },
        }
    }

    fn chart_connection(&self, url: &str, project: &str) -> Connection {
        let repository = chart_repository(url);
        let is_registry = repository.starts_with("oci://");
        let has_path = repository
            .trim_start_matches("oci://")
            .trim_end_matches('/')
            .contains('/');
        let chart = match is_registry && has_path {
            true => "",
            false => NO_CHART,
        };
        let request = registry::Request {
            repository: repository.clone(),
            chart: chart.to_owned(),
            version: String::new(),
        };
        let asker = Asker {
            project,
            pass_credentials: false,
        };
        let asked = self
            .chart_access(&repository, asker)
            .and_then(|access| self.charts().resolve(&request, &access));
        match asked {
            Ok(_) => Connection::Works,
            Err(error) => match error.fault {
                registry::Fault::NoChart(_) | registry::Fault::NoVersion { .. } => {
                    Connection::Works
                }
                registry::Fault::NotFound(_) if is_registry => Connection::Works,
                registry::Fault::Forbidden | registry::Fault::Unauthenticated { given: false }
                    if is_registry =>
                {
                    Connection::Untold(error.to_string())
                }
                _ => Connection::Fails(error.to_string()),
            },
        }
    }
}
