//! The client: settings made into agents, and the way of one request.

use std::fmt::Debug;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER};
use http::{HeaderName, Method, Request, Response, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, NextTimeout, TcpConnector};
use ureq::{Agent, Body};

use super::error::{Error, Fault, Unresolved, fault_of, io_fault};
use super::proxy::ProxyChoice;
use super::retry::Retry;
use super::settings::{
    BUFFER_BYTES, MAX_HEADER_BYTES, MAX_IDLE_AGE, MAX_IDLE_CONNECTIONS, MAX_REDIRECTS, Settings,
};
use super::tls::{TlsConnector, client_config};
use super::{USER_AGENT, url};

/// How much of an error's body goes into its message.
const MAX_EXCERPT_BYTES: u64 = 300;

/// Headers that are for one origin only.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// Agents and TLS configuration of one [`Settings`]. Cheap to clone; clones
/// share their connections.
#[derive(Clone)]
pub struct Client {
    direct: Agent,
    /// By proxy URL; at most one for http and one for https.
    proxied: Vec<(String, Agent)>,
    tls: Arc<ClientConfig>,
    settings: Arc<Settings>,
}

impl Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let fault = |cause| Error::new("configure", "http client", Fault::Settings(cause));
        let tls = client_config(&settings).map_err(fault)?;
        let server_name = match &settings.server_name {
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|error| fault(format!("server name {name}: {error}")))?,
            ),
            None => None,
        };
        let agent = |proxy: Option<&str>| {
            let proxy = proxy.map(usable_proxy).transpose()?;
            Ok::<_, String>(agent(&settings, &tls, server_name.clone(), proxy))
        };
        let direct = agent(None).map_err(fault)?;
        let mut proxied: Vec<(String, Agent)> = Vec::new();
        if let ProxyChoice::PerScheme { http, https, .. } = &settings.proxy {
            for url in [http, https].into_iter().flatten() {
                if proxied.iter().all(|(known, _)| known != url) {
                    proxied.push((url.clone(), agent(Some(url)).map_err(fault)?));
                }
            }
        }
        Ok(Self {
            direct,
            proxied,
            tls,
            settings: Arc::new(settings),
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The rustls configuration, for connections that are not ureq's.
    pub fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    /// The agent whose way leads to this URL. It follows no redirects and
    /// gives every status as an answer.
    pub fn agent_for(&self, uri: &Uri) -> &Agent {
        let proxy = self.settings.proxy.for_uri(uri);
        self.proxied
            .iter()
            .find(|(url, _)| Some(url.as_str()) == proxy)
            .map_or(&self.direct, |(_, agent)| agent)
    }

    /// One attempt. Redirects of GET and HEAD are followed, credentials stay
    /// with their origin; any status is an answer.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, Error> {
        self.send_within(request, None)
    }

    /// The same, given up after `within`, body and all: nothing is sent any
    /// more once that has passed.
    pub fn send_within(
        &self,
        request: Request<Vec<u8>>,
        within: Option<Duration>,
    ) -> Result<Response<Body>, Error> {
        let (mut parts, body) = request.into_parts();
        let method = parts.method.clone();
        let follows = matches!(method, Method::GET | Method::HEAD) && body.is_empty();
        let mut hops = 0;
        loop {
            let fault = |fault| Error::new(method.as_str(), &parts.uri.to_string(), fault);
            let mut request = Request::new(body.clone());
            *request.method_mut() = method.clone();
            *request.uri_mut() = parts.uri.clone();
            *request.headers_mut() = parts.headers.clone();
            let agent = self.agent_for(&parts.uri);
            if within.is_some() {
                let limited = agent.configure_request(request);
                request = limited.timeout_global(within).build();
            }
            let response = if body.is_empty() && !carries_body(&method) {
                agent.run(request.map(|_| ()))
            } else {
                agent.run(request)
            };
            let response = response.map_err(|error| fault(fault_of(error)))?;
            let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let location = response.headers().get(LOCATION);
            let (true, true, Some(location)) = (follows, is_redirect, location) else {
                return Ok(response);
            };
            let to = String::from_utf8_lossy(location.as_bytes()).into_owned();
            let refused = |why| {
                let to = url::masked(&to);
                fault(Fault::Redirect { to, why })
            };
            if hops == MAX_REDIRECTS {
                return Err(refused("too many redirects"));
            }
            hops += 1;
            let next = url::resolve(&parts.uri, &to).map_err(|_| refused("not a usable URL"))?;
            match next.scheme_str() {
                Some("https") => {}
                Some("http") if parts.uri.scheme_str() == Some("http") => {}
                Some("http") => return Err(refused("from https to http")),
                _ => return Err(refused("neither http nor https")),
            }
            if !url::may_carry_credentials(&parts.uri, &next) {
                for name in CREDENTIALS {
                    parts.headers.remove(name);
                }
            }
            parts.uri = next;
        }
    }

    /// Attempts until one succeeds, fails for good, or none is left; statuses
    /// that ask for another try (429, 5xx) count as failures until the last,
    /// whose answer is returned as it is. `jitter` gives numbers in 0..1,
    /// `sleep` waits.
    pub fn send_retrying(
        &self,
        retry: &Retry,
        request: &Request<Vec<u8>>,
        jitter: &mut dyn FnMut() -> f64,
        sleep: &mut dyn FnMut(Duration),
    ) -> Result<Response<Body>, Error> {
        let mut attempt = 1;
        loop {
            let result = self.send(request.clone());
            let (again, after) = match &result {
                Ok(response) => {
                    let fault = Fault::Status {
                        status: response.status().as_u16(),
                        body: String::new(),
                    };
                    let failed = response.status().as_u16() >= 400;
                    (failed && fault.is_retryable(), retry_after(response))
                }
                Err(error) => (error.is_retryable(), None),
            };
            if !again || attempt >= retry.attempts {
                return result;
            }
            sleep(retry.delay(attempt, jitter(), after));
            attempt += 1;
        }
    }

    /// GET with one header set; anything but a success is an error.
    pub fn get(
        &self,
        url: &str,
        headers: &[(HeaderName, String)],
    ) -> Result<Response<Body>, Error> {
        let fault = |cause| Error::new("GET", url, Fault::Url(cause));
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| fault(error.to_string()))?;
        let response = self.send(request)?;
        require_success("GET", url, response)
    }
}

/// Methods that ureq sends with a body, be it empty.
fn carries_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The answer, if it is a success; else an error with what the server said.
pub fn require_success(
    method: &str,
    url: &str,
    mut response: Response<Body>,
) -> Result<Response<Body>, Error> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // The excerpt is a courtesy: the status is the error, however it ends.
    let _ = response
        .body_mut()
        .as_reader()
        .take(MAX_EXCERPT_BYTES)
        .read_to_end(&mut body);
    let text = String::from_utf8_lossy(&body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A page for a browser says nothing that the status does not.
    let body = if line.starts_with('<') {
        String::new()
    } else {
        line
    };
    Err(Error::new(method, url, Fault::Status { status, body }))
}

/// The whole body, if it is no longer than `limit`.
pub fn read_body(
    method: &str,
    url: &str,
    response: Response<Body>,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let fault = |fault| Error::new(method, url, fault);
    let mut body = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(limit.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|error| fault(io_fault(error)))?;
    if body.len() as u64 > limit {
        return Err(fault(Fault::TooLarge { limit }));
    }
    Ok(body)
}

fn usable_proxy(url: &str) -> Result<ureq::Proxy, String> {
    let shown = url::masked(url);
    let proxy = ureq::Proxy::new(url).map_err(|error| format!("proxy {shown}: {error}"))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(format!(
            "proxy {shown}: only http and https proxies are served"
        )),
    }
}

fn agent(
    settings: &Settings,
    tls: &Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    proxy: Option<ureq::Proxy>,
) -> Agent {
    let times = &settings.timeouts;
    let config = Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .proxy(proxy)
        .timeout_connect(Some(times.connect))
        .timeout_recv_response(Some(times.answer))
        .timeout_per_read(Some(times.stall))
        .timeout_per_write(Some(times.stall))
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .max_response_header_size(MAX_HEADER_BYTES)
        .max_idle_connections(MAX_IDLE_CONNECTIONS)
        .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
        .max_idle_age(MAX_IDLE_AGE)
        .build();
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(TlsConnector {
                config: Arc::clone(tls),
                server_name,
            });
    Agent::with_parts(config, connector, NamedResolver::default())
}

/// The system's resolver, whose failures keep the name and can be told from
/// those of a connection.
#[derive(Debug, Default)]
struct NamedResolver(DefaultResolver);

impl Resolver for NamedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| {
            let cause = match error {
                ureq::Error::Io(cause) => cause.to_string(),
                ureq::Error::HostNotFound => "no address".to_owned(),
                other => return other,
            };
            ureq::Error::Other(Box::new(Unresolved {
                host: uri.host().unwrap_or_default().to_owned(),
                cause,
            }))
        })
    }
}
