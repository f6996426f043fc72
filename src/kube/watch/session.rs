//! The life of one watch: list, follow, resume, list again.

use super::connect::connect;
use super::event::{Line, parse};
use super::exchange::{Exchange, send};
use super::{Event, Shared, Watched};
use crate::http::{self, Fault, Retry};
use crate::kube::error::{Attempt, Error};
use crate::kube::options::ListOptions;
use crate::kube::request::Draft;
use crate::kube::retry::jitter;
use crate::kube::send::{MAX_STATUS_BYTES, retry_after, status_of};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Between two attempts of one watch.
const BACKOFF: Retry = Retry {
    attempts: u32::MAX,
    first: Duration::from_millis(500),
    longest: Duration::from_secs(15),
};
/// The server ends a watch after this or up to twice this, as it does
/// client-go's: spread, so that not all come back at once.
const WATCH_SECONDS: u64 = 300;
/// A server that does not end a watch by then hangs.
const OVERTIME: Duration = Duration::from_secs(30);
/// A watch that lived so long was well: the next break is the first again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// Breaks in a row that are mended without a word.
const QUIET_BREAKS: u32 = 1;
/// Objects a chunk, for the API server's sake.
const CHUNK: u32 = 500;
/// "From anywhere on": the watch cache answers, with what there is as events.
const ANY_VERSION: &str = "0";

/// How a watch ended.
enum End {
    /// By itself, or the server's time was over.
    Closed,
    /// Its resourceVersion is too old, or from another life of the server.
    Expired,
    Failed(Error),
}

struct Session {
    shared: Arc<Shared>,
    watched: Arc<Watched>,
    /// Where to go on from; None before the list.
    version: Option<String>,
    /// What was told last was a failure.
    failed: bool,
    breaks: u32,
}

/// Ends when nobody reads the events any more.
pub async fn run(shared: Arc<Shared>, watched: Arc<Watched>) {
    let mut session = Session {
        shared,
        watched,
        version: None,
        failed: false,
        breaks: 0,
    };
    let mut from_cache = true;
    while session.step(&mut from_cache).await.is_some() {}
}

/// None: the reader is gone.
type Told = Option<()>;

impl Session {
    async fn step(&mut self, from_cache: &mut bool) -> Told {
        let anywhere = self.watched.changes_only.then(|| ANY_VERSION.to_owned());
        let Some(version) = self.version.clone().or(anywhere) else {
            match self.list(*from_cache).await? {
                Ok(version) => {
                    self.version = Some(version);
                    self.breaks = 0;
                    self.failed = false;
                    return self.tell(Event::Current).await;
                }
                Err(error) => {
                    // What the cache cannot answer, the store may.
                    *from_cache = false;
                    return self.fail(error).await;
                }
            }
        };
        let begin = Instant::now();
        let end = self.follow(&version).await?;
        if begin.elapsed() >= WELL_AFTER {
            self.breaks = 0;
        }
        match end {
            End::Closed if begin.elapsed() >= WELL_AFTER => Some(()),
            // A server that hangs up at once must not be asked without pause.
            End::Closed => self.pause(None).await,
            End::Expired => {
                // The cache said it: only the store knows better.
                *from_cache = false;
                self.version = None;
                match self.watched.changes_only {
                    true => self.pause(None).await,
                    false => Some(()),
                }
            }
            End::Failed(error) => self.fail(error).await,
        }
    }

    async fn fail(&mut self, error: Error) -> Told {
        let after = error.retry_after();
        if self.version.is_none() || self.breaks >= QUIET_BREAKS {
            self.failed = true;
            self.tell(Event::Failed(Arc::new(error))).await?;
        }
        self.pause(after).await
    }

    async fn pause(&mut self, after: Option<Duration>) -> Told {
        self.breaks = self.breaks.saturating_add(1);
        sleep(BACKOFF.delay(self.breaks, jitter(), after)).await;
        Some(())
    }

    async fn tell(&self, event: Event) -> Told {
        let notice = (Arc::clone(&self.watched), event);
        self.shared.notices.send(notice).await.ok()
    }

    /// Over ureq on a thread beside, and never two at a time.
    async fn list(&self, from_cache: bool) -> Option<Result<String, Error>> {
        let turn = Arc::clone(&self.shared.listing)
            .acquire_owned()
            .await
            .ok()?;
        let (shared, watched) = (Arc::clone(&self.shared), Arc::clone(&self.watched));
        let options = ListOptions {
            limit: if from_cache { 0 } else { CHUNK },
            from_cache,
            ..selection(&watched)
        };
        let listing = tokio::task::spawn_blocking(move || {
            // Also where the watch is removed meanwhile, this list has its turn.
            let _turn = turn;
            let tell = |event| {
                let notice = (Arc::clone(&watched), event);
                shared.notices.blocking_send(notice).is_ok()
            };
            tell(Event::Restarted);
            let listed = shared
                .client
                .list_within(1, &watched.resource, &options, &mut |object| {
                    tell(Event::Applied(object));
                });
            listed.map(|listed| listed.resource_version)
        });
        listing.await.ok()
    }

    /// One watch request, to its end.
    async fn follow(&mut self, version: &str) -> Option<End> {
        let seconds = WATCH_SECONDS + (WATCH_SECONDS as f64 * jitter()) as u64;
        let deadline = Instant::now() + Duration::from_secs(seconds) + OVERTIME;
        let mut exchange = match self.open(version, seconds).await {
            Ok(exchange) => exchange,
            Err(error) if error.is_expired() => return Some(End::Expired),
            Err(error) => return Some(End::Failed(error)),
        };
        if self.failed || self.version.is_none() {
            self.failed = false;
            self.tell(Event::Current).await?;
        }
        loop {
            let line = match timeout_at(deadline, exchange.next_line()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return Some(End::Closed),
                Ok(Err(fault)) => return Some(End::Failed(self.broken(fault))),
                Err(_) => {
                    let fault = Fault::Timeout("the server does not end the watch".to_owned());
                    return Some(End::Failed(self.broken(fault)));
                }
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let parsed = match parse(&line, &self.watched) {
                Ok(parsed) => parsed,
                Err(what) => {
                    let what = format!("what is no event: {what}");
                    let error = self.shared.client.odd(&self.attempt(), &what);
                    return Some(End::Failed(error));
                }
            };
            drop(line);
            match parsed {
                Line::Applied(object) => {
                    self.version = Some(object.resource_version().to_owned());
                    self.tell(Event::Applied(object)).await?;
                }
                Line::Deleted(object) => {
                    self.version = Some(object.resource_version().to_owned());
                    self.tell(Event::Deleted(object)).await?;
                }
                Line::Bookmark(at) if self.is_from_the_past(&at) => return Some(End::Expired),
                Line::Bookmark(at) => self.version = Some(at),
                Line::Error(status) if status.code == 410 => return Some(End::Expired),
                Line::Error(status) => {
                    let attempt = self.attempt();
                    return Some(End::Failed(Error::Status { attempt, status }));
                }
            }
        }
    }

    /// A server that lost its store starts to count anew, and would send
    /// nothing until it has caught up with what we ask for.
    fn is_from_the_past(&self, bookmark: &str) -> bool {
        let known = self.version.as_deref().unwrap_or_default();
        match (bookmark.parse::<u128>(), known.parse::<u128>()) {
            (Ok(bookmark), Ok(known)) => bookmark < known,
            _ => false,
        }
    }

    /// The head of the answer, once more with new credentials after a refusal.
    async fn open(&self, version: &str, seconds: u64) -> Result<Exchange, Error> {
        let resource = &self.watched.resource;
        let collection = resource.collection_path(&self.watched.namespace);
        let draft = Draft::watch(&collection, &selection(&self.watched), version, seconds);
        match self.open_once(&draft).await {
            Err(error) => {
                let client = self.shared.client.clone();
                let renewed = tokio::task::spawn_blocking(move || {
                    let renewed = client.renew(&error);
                    (renewed, error)
                });
                match renewed.await {
                    Ok((true, _)) => self.open_once(&draft).await,
                    Ok((false, error)) => Err(error),
                    Err(_) => Err(self.broken(Fault::Broken("the runtime ends".to_owned()))),
                }
            }
            ok => ok,
        }
    }

    async fn open_once(&self, draft: &Draft) -> Result<Exchange, Error> {
        let attempt = self.attempt();
        let client = self.shared.client.clone();
        let (asking, drafted) = (attempt.clone(), draft.clone());
        // Credentials may take a file or a plugin.
        let prepared = tokio::task::spawn_blocking(move || {
            let (connection, identity) = client.connection(&asking)?;
            let request = client.request(&drafted, &identity, &asking, None)?;
            Ok((connection, request))
        });
        let (connection, request) = match prepared.await {
            Ok(prepared) => prepared?,
            Err(_) => return Err(self.broken(Fault::Broken("the runtime ends".to_owned()))),
        };
        let counters = &self.shared.client.inner.counters;
        counters.watches.fetch_add(1, Ordering::Relaxed);
        let settings = connection.http.settings();
        let opened = async {
            let stream = connect(request.uri(), settings, connection.http.tls()).await?;
            send(stream, request.map(|_| ()), settings.timeouts.answer).await
        };
        let (response, exchange) = opened.await.map_err(|fault| self.broken(fault))?;
        let code = response.status().as_u16();
        if code == 200 {
            return Ok(exchange);
        }
        let body = exchange.rest(MAX_STATUS_BYTES as usize);
        let limit = Instant::now() + settings.timeouts.answer;
        let body = timeout_at(limit, body).await.unwrap_or_default();
        let status = status_of(code, &body, retry_after(response.headers()));
        Err(Error::Status {
            attempt,
            status: Box::new(status),
        })
    }

    fn attempt(&self) -> Attempt {
        Attempt::on_kind("watch", &self.watched.resource, &self.watched.namespace)
    }

    fn broken(&self, fault: Fault) -> Error {
        let path = self
            .watched
            .resource
            .collection_path(&self.watched.namespace);
        let url = format!("{}{path}", self.shared.client.config().server);
        Error::no_answer(&self.attempt(), http::Error::new("GET", &url, fault))
    }
}

fn selection(watched: &Watched) -> ListOptions {
    ListOptions {
        namespace: watched.namespace.clone(),
        label_selector: watched.label_selector.clone(),
        field_selector: watched.field_selector.clone(),
        metadata_only: watched.metadata_only,
        ..ListOptions::default()
    }
}
