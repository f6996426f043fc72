//! A small HTTP/1.1 server on a port of loopback, plain or TLS, with
//! keep-alive, chunked requests, and a record of what was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    /// Path with query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes to send as they are instead, and then to close.
    pub raw: Option<Vec<u8>>,
    /// Bytes to send behind the body, again and again until nobody reads on.
    pub endless: Vec<u8>,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            raw: Some(bytes.into()),
            ..Self::default()
        }
    }

    /// A body that begins like this and then repeats itself for ever.
    pub fn without_end(body: &str, again: &str) -> Self {
        Self {
            endless: again.repeat(64 * 1024 / again.len()).into_bytes(),
            ..Self::ok(body)
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn redirect(to: &str) -> Self {
        Self::status(302, "").header("location", to)
    }
}

type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

pub struct Server {
    pub port: u16,
    tls: bool,
    /// PEM of the certificate, where there is one.
    pub certificate: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    n_connections: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    listening: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Server {
    pub fn plain(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), None, 0)
    }

    /// TLS for localhost and 127.0.0.1 with a self-signed certificate that
    /// says CA:TRUE, as `openssl req -x509` makes it.
    pub fn tls(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), Some(()), 0)
    }

    /// On a port that is known (0 for any).
    pub fn tls_on(port: u16, handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), Some(()), port)
    }

    fn start(handler: Arc<Handler>, tls: Option<()>, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("loopback has a free port");
        let port = listener.local_addr().expect("bound").port();
        let (config, certificate) = match tls {
            Some(()) => {
                let (config, pem) = server_config();
                (Some(config), pem)
            }
            None => (None, String::new()),
        };
        let server = Self {
            port,
            tls: config.is_some(),
            certificate,
            asked: Arc::default(),
            n_connections: Arc::default(),
            stopped: Arc::default(),
            streams: Arc::default(),
            listening: Mutex::default(),
        };
        let (asked, n_connections) = (server.asked.clone(), server.n_connections.clone());
        let (stopped, streams) = (server.stopped.clone(), server.streams.clone());
        let listening = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                n_connections.fetch_add(1, Ordering::SeqCst);
                if let Ok(copy) = stream.try_clone() {
                    streams.lock().expect("no panic holds it").push(copy);
                }
                let (handler, asked, config) = (handler.clone(), asked.clone(), config.clone());
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let closer = stream.try_clone();
                    match config {
                        Some(config) => {
                            let Ok(tls) = rustls::ServerConnection::new(config) else {
                                return;
                            };
                            serve(rustls::StreamOwned::new(tls, stream), &*handler, &asked);
                        }
                        None => serve(stream, &*handler, &asked),
                    }
                    if let Ok(closer) = closer {
                        let _ = closer.shutdown(Shutdown::Both);
                    }
                });
            }
        });
        *server.listening.lock().expect("no panic holds it") = Some(listening);
        server
    }

    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    /// Everything that was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("no panic holds it"))
    }

    pub fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }

    /// Closes the listener and every connection.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().expect("no panic holds it").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(listening) = self.listening.lock().expect("no panic holds it").take() {
            let _ = TcpStream::connect(("127.0.0.1", self.port));
            let _ = listening.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn server_config() -> (Arc<ServerConfig>, String) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = rcgen::CertificateParams::new(names).expect("valid names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("ring makes keys");
    let certificate = params.self_signed(&key).expect("signs itself");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring serves them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("key and certificate belong together");
    (Arc::new(config), certificate.pem())
}

fn serve(stream: impl Read + Write, handler: &Handler, asked: &Mutex<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream) {
        asked
            .lock()
            .expect("no panic holds it")
            .push(request.clone());
        let answer = handler(&request);
        let out = stream.get_mut();
        if let Some(raw) = answer.raw {
            let _ = out.write_all(&raw).and_then(|()| out.flush());
            return;
        }
        let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match answer.endless.is_empty() {
            true => head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len())),
            false => head.push_str("connection: close\r\n\r\n"),
        }
        let body: &[u8] = if request.method == "HEAD" {
            &[]
        } else {
            &answer.body
        };
        let sent = out
            .write_all(head.as_bytes())
            .and_then(|()| out.write_all(body))
            .and_then(|()| out.flush());
        if sent.is_err() {
            return;
        }
        if !answer.endless.is_empty() {
            while out.write_all(&answer.endless).is_ok() {}
            return;
        }
    }
}

pub fn read_request(stream: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut asked = Asked {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Asked::default()
    };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        asked
            .headers
            .push((name.to_lowercase(), value.trim().to_owned()));
    }
    if asked.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let start = asked.body.len();
            asked.body.resize(start + size, 0);
            stream.read_exact(&mut asked.body[start..]).ok()?;
            let mut end = String::new();
            stream.read_line(&mut end).ok()?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = asked.header("content-length") {
        asked.body = vec![0; length.parse().ok()?];
        stream.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}
