use super::memory;
use super::metrics;
use super::subject::Subject;
use super::webhook::{self, Gate};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Connections at a time; more wait.
const MAX_CONNECTIONS: usize = 32;
/// A connection may take so long in all.
const LONGEST: Duration = Duration::from_secs(30);
/// A request line and its headers take so much at most.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const STACK_BYTES: usize = 512 * 1024;

/// A running HTTP server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    pub fn start(address: SocketAddr, subject: impl Into<Subject>) -> std::io::Result<Self> {
        let subject = subject.into();
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        std::thread::Builder::new()
            .name("server".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = serve(listener, subject) => {}
                    }
                });
            })?;
        Ok(Server {
            address,
            _stop: stop,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, subject: Subject) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let gate = Arc::new(Gate::default());
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (subject, gate) = (subject.clone(), gate.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (subject, gate) = (subject.clone(), gate.clone());
                async move { Ok::<_, Infallible>(answer(request, &subject, &gate).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever breaks off has nothing to be told.
            let _ = tokio::time::timeout(LONGEST, connection).await;
            drop(place);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    subject: &Subject,
    gate: &Gate,
) -> Response<Full<Bytes>> {
    let text = match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/webhook") => {
            let Some(handle) = subject.agent() else {
                let text = "this agent stands by: another one takes webhooks\n";
                return failure(StatusCode::SERVICE_UNAVAILABLE, text);
            };
            let (status, text, wait) = webhook::take(request, handle, gate).await;
            let mut response = Response::new(Full::from(format!("{text}\n")));
            *response.status_mut() = status;
            if let Some(wait) = wait {
                let seconds = HeaderValue::from(wait.as_secs() + 1);
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            return response;
        }
        (&Method::GET, "/metrics") => metrics::text(subject),
        (&Method::GET, "/debug/memory") => memory::table(subject),
        (&Method::GET, "/healthz") => "ok".to_owned(),
        (&Method::GET, "/readyz") if subject.is_ready() => "ok".to_owned(),
        (&Method::GET, "/readyz") => {
            return failure(StatusCode::SERVICE_UNAVAILABLE, "the agent is starting\n");
        }
        _ => return failure(StatusCode::NOT_FOUND, "not found\n"),
    };
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

fn failure(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
