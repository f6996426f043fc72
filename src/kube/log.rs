//! The log of a container, line by line as it comes.

use super::client::Client;
use super::error::{Attempt, Error};
use super::request::{Draft, Query};
use super::resource::{Resource, Verbs};
use super::send::connect_within;
use crate::http::Timeouts;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// A container that is followed may be silent for so long.
const LONGEST_SILENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// A longer line is cut into several.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Which part of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    pub container: String,
    /// Go on until the container ends.
    pub follow: bool,
    /// Of the container that ran before this one.
    pub previous: bool,
    pub tail_lines: Option<u64>,
    pub since: Option<Duration>,
    pub timestamps: bool,
}

impl Client {
    /// Hands every line to `on_line`, without its end, until that returns false.
    pub fn log(
        &self,
        namespace: &str,
        pod: &str,
        options: &LogOptions,
        on_line: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Error> {
        let pods = Resource {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            plural: "pods".to_owned(),
            namespaced: true,
            verbs: Verbs::default(),
            has_status: true,
        };
        let mut query = Query::default();
        query.push("container", &options.container);
        for (name, flag) in [
            ("follow", options.follow),
            ("previous", options.previous),
            ("timestamps", options.timestamps),
        ] {
            if flag {
                query.push(name, "true");
            }
        }
        if let Some(lines) = options.tail_lines {
            query.push("tailLines", &lines.to_string());
        }
        if let Some(since) = options.since {
            query.push("sinceSeconds", &since.as_secs().max(1).to_string());
        }
        let path = format!("{}/log", pods.object_path(namespace, pod));
        let draft = Draft {
            accept: "*/*",
            ..Draft::get(&query.behind(&path))
        };
        let attempt = Attempt::on_object("read the log of", &pods, namespace, pod);
        let patient = match options.follow {
            true => self.patient(&attempt)?,
            false => self.clone(),
        };
        let response = patient.run(&draft, &attempt, &mut Ok)?;
        let mut body = BufReader::new(response.into_body().into_reader());
        let mut line = Vec::new();
        loop {
            line.clear();
            let n = (&mut body)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(|error| self.odd(&attempt, &format!("a log that breaks off: {error}")))?;
            if n == 0 {
                return Ok(());
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if !on_line(text.strip_suffix(b"\r").unwrap_or(text)) {
                return Ok(());
            }
        }
    }

    /// A client of the same user that waits for a day between two lines.
    fn patient(&self, attempt: &Attempt) -> Result<Client, Error> {
        let config = self.config().clone();
        let timeouts = Timeouts {
            stall: LONGEST_SILENCE,
            ..Timeouts::default()
        };
        let (roots, certificate) = (config.roots.clone(), config.user.certificate.clone());
        let connection = connect_within(&config, roots, certificate, timeouts)
            .map_err(|source| Error::no_answer(attempt, source))?;
        Ok(Client::over(config, connection))
    }
}
