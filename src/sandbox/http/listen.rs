//! Sockets: accepts connections, reads bodies, writes answers.

use super::route::{self, Reply, Request};
use super::watch::WatchGrant;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::status::Refusal;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Response, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

/// The API server's own limit for a request body.
pub const MAX_BODY_BYTES: usize = 3 << 20;
/// Connections beyond it wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;
const CONNECTION_BUFFER_BYTES: usize = 64 << 10;
const TLS_HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How connections are taken.
pub struct Listening {
    pub socket: std::net::TcpListener,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What `Authorization: Bearer` must say; None lets everybody in.
    pub token: Option<String>,
}

/// Serves until `stop` is sent or dropped.
pub async fn serve(
    cluster: Rc<RefCell<Cluster>>,
    listening: Listening,
    stop: oneshot::Receiver<()>,
) -> io::Result<()> {
    listening.socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listening.socket)?;
    let acceptor = listening.tls.map(TlsAcceptor::from);
    let token: Option<Rc<str>> = listening.token.map(Rc::from);
    let free = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepting = async {
            let permit = free.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            _ = &mut stop => return Ok(()),
            accepted = accepting => accepted,
        };
        // A connection that broke before it was accepted is no fault of ours;
        // too many open files passes.
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (cluster, acceptor, token) = (cluster.clone(), acceptor.clone(), token.clone());
        tokio::task::spawn_local(async move {
            let _permit = permit;
            match acceptor {
                None => connection(cluster, stream, token).await,
                Some(acceptor) => {
                    let handshake = acceptor.accept(stream);
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(TLS_HANDSHAKE_LIMIT, handshake).await
                    {
                        connection(cluster, stream, token).await;
                    }
                }
            }
        });
    }
}

async fn connection<S>(cluster: Rc<RefCell<Cluster>>, stream: S, token: Option<Rc<str>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let (cluster, token) = (cluster.clone(), token.clone());
        async move { Ok::<_, Infallible>(exchange(&cluster, request, token.as_deref()).await) }
    });
    // The peer went away, or spoke no HTTP: nobody is left to be told.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn exchange(
    cluster: &Rc<RefCell<Cluster>>,
    request: hyper::Request<Incoming>,
    token: Option<&str>,
) -> Response<Content> {
    let (parts, body) = request.into_parts();
    let text = |name: header::HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(token) = token {
        let given = text(header::AUTHORIZATION);
        if given.strip_prefix("Bearer ") != Some(token) {
            return response(Reply::refusal(&Refusal::unauthorized()));
        }
    }
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => {
            let refusal = Refusal::too_large(&format!("limit is {MAX_BODY_BYTES}"));
            return response(Reply::refusal(&refusal));
        }
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        user_agent: text(header::USER_AGENT),
        if_none_match: text(header::IF_NONE_MATCH),
        body,
    };
    let reply = route::answer(&mut cluster.borrow_mut(), &request);
    cluster.borrow().announce();
    match reply {
        Reply::Watch(watch) => stream(cluster, *watch),
        reply => response(reply),
    }
}

fn stream(cluster: &Rc<RefCell<Cluster>>, watch: WatchGrant) -> Response<Content> {
    let (sender, receiver) = mpsc::channel(WATCH_CHUNKS);
    tokio::task::spawn_local(watch.run(cluster.clone(), sender));
    let mut response = Response::new(Content::Stream(receiver));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}

/// Chunks of a watch that wait for a slow client.
const WATCH_CHUNKS: usize = 4;

fn response(reply: Reply) -> Response<Content> {
    let Reply::Whole {
        code,
        content_type,
        headers,
        body,
    } = reply
    else {
        unreachable!("watches are streamed")
    };
    let mut builder = Response::builder().status(code);
    if !content_type.is_empty() {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Content::Whole(Some(body)))
        .unwrap_or_else(|_| Response::new(Content::Whole(None)))
}

/// The body of an answer: at once, or as a watch goes on.
pub enum Content {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

impl hyper::body::Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Content::Stream(receiver) => receiver
                .poll_recv(context)
                .map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Content::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Content::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Content::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Content::Stream(_) => hyper::body::SizeHint::default(),
        }
    }
}
