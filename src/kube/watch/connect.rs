//! A connection for one watch: TCP, through a proxy where there is one, TLS.

use crate::http::{Fault, Settings, io_fault, masked};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A peer that went away without a word is noticed after a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;
/// A proxy's answer to CONNECT above this is none.
const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Within the settings' time for a connection.
pub async fn connect(
    uri: &Uri,
    settings: &Settings,
    tls: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, Fault> {
    let limit = settings.timeouts.connect;
    match timeout(limit, connect_unlimited(uri, settings, tls)).await {
        Ok(result) => result,
        Err(_) => Err(Fault::Timeout("connect timed out".to_owned())),
    }
}

async fn connect_unlimited(
    uri: &Uri,
    settings: &Settings,
    tls: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, Fault> {
    let is_tls = uri.scheme_str() == Some("https");
    let (host, port) = host_and_port(uri, if is_tls { 443 } else { 80 })?;
    let tcp = match settings.proxy.for_uri(uri) {
        Some(proxy) => through_proxy(proxy, &host, port).await?,
        None => open(&host, port).await?,
    };
    if !is_tls {
        return Ok(Box::new(tcp));
    }
    let name = settings.server_name.clone().unwrap_or(host);
    let name = ServerName::try_from(name)
        .map_err(|_| Fault::Url("the host is no name that a certificate can hold".to_owned()))?;
    let stream = TlsConnector::from(tls).connect(name, tcp).await;
    Ok(Box::new(stream.map_err(io_fault)?))
}

async fn open(host: &str, port: u16) -> Result<TcpStream, Fault> {
    let addresses: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| Fault::Dns {
            host: host.to_owned(),
            cause: error.to_string(),
        })?
        .collect();
    let tcp = TcpStream::connect(&*addresses).await.map_err(io_fault)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    let set = tcp
        .set_nodelay(true)
        .and_then(|()| socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive));
    set.map_err(io_fault)?;
    Ok(tcp)
}

/// An HTTP proxy, by CONNECT.
async fn through_proxy(proxy: &str, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let shown = masked(proxy);
    let fault = |what: String| Fault::Proxy(format!("{shown}: {what}"));
    let uri: Uri = proxy.parse().map_err(|_| fault("not a URL".to_owned()))?;
    if uri.scheme_str() != Some("http") {
        return Err(fault("watches go through http proxies only".to_owned()));
    }
    let (proxy_host, proxy_port) = host_and_port(&uri, 80)?;
    let mut tcp = open(&proxy_host, proxy_port).await?;
    let target = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if let Some((userinfo, _)) = authority.rsplit_once('@') {
        let both = STANDARD.encode(percent_decoded(userinfo));
        request.push_str(&format!("Proxy-Authorization: Basic {both}\r\n"));
    }
    request.push_str("\r\n");
    let told = tcp.write_all(request.as_bytes()).await;
    told.map_err(|error| fault(error.to_string()))?;
    let mut answer = Vec::new();
    // Byte by byte: what comes behind the blank line is not ours to take.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_PROXY_ANSWER_BYTES {
            return Err(fault("its answer to CONNECT has no end".to_owned()));
        }
        let byte = tcp.read_u8().await;
        answer.push(byte.map_err(|error| fault(error.to_string()))?);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    match line.split_whitespace().nth(1) {
        Some(code) if code.starts_with('2') => Ok(tcp),
        _ => Err(fault(format!("answered {line:?} to CONNECT"))),
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn host_and_port(uri: &Uri, default: u16) -> Result<(String, u16), Fault> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(Fault::Url(format!("{}: no host", masked(&uri.to_string()))));
    }
    Ok((host.to_owned(), uri.port_u16().unwrap_or(default)))
}

/// The end of a stream where more was due.
pub fn unexpected_end() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
