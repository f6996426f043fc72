//! Which way a request takes.

use std::net::IpAddr;

use http::Uri;

/// The proxy of a client. Environment variables are read by the caller and
/// handed in as [`ProxyChoice::PerScheme`].
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    #[default]
    Direct,
    /// Proxies for http and for https URLs, and the hosts that need none:
    /// names, `.suffixes`, `*.suffixes`, addresses, CIDR ranges, `*`, each
    /// with an optional port.
    PerScheme {
        http: Option<String>,
        https: Option<String>,
        no_proxy: String,
    },
}

impl ProxyChoice {
    /// One proxy for everything but `no_proxy`.
    pub fn all(url: &str, no_proxy: &str) -> Self {
        Self::PerScheme {
            http: Some(url.to_owned()),
            https: Some(url.to_owned()),
            no_proxy: no_proxy.to_owned(),
        }
    }

    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in
    /// either case, the lower one first as curl does.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            variable(&name.to_lowercase())
                .or_else(|| variable(name))
                .filter(|value| !value.is_empty())
        };
        let all = either("ALL_PROXY");
        let http = either("HTTP_PROXY").or_else(|| all.clone());
        let https = either("HTTPS_PROXY").or(all);
        if http.is_none() && https.is_none() {
            return Self::Direct;
        }
        Self::PerScheme {
            http,
            https,
            no_proxy: either("NO_PROXY").unwrap_or_default(),
        }
    }

    /// The proxy for a URL, `None` for the direct way.
    pub fn for_uri(&self, uri: &Uri) -> Option<&str> {
        let Self::PerScheme {
            http,
            https,
            no_proxy,
        } = self
        else {
            return None;
        };
        let host = uri.host().unwrap_or_default();
        if is_excepted(no_proxy, host, uri.port_u16()) {
            return None;
        }
        match uri.scheme_str() {
            Some("https") => https.as_deref(),
            _ => http.as_deref(),
        }
    }
}

impl std::fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::PerScheme { no_proxy, .. } => write!(f, "PerScheme(.., not for {no_proxy:?})"),
        }
    }
}

fn is_excepted(no_proxy: &str, host: &str, port: Option<u16>) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    // Loopback never goes through a proxy, as Go's net/http has it.
    if host == "localhost" || address.is_some_and(|a| a.is_loopback()) {
        return true;
    }
    no_proxy
        .split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| matches_entry(&entry, &host, address, port))
}

fn matches_entry(entry: &str, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let (Some(address), Ok(network), Ok(bits)) =
            (address, network.parse::<IpAddr>(), bits.parse::<u32>())
        else {
            return false;
        };
        return contains(network, bits, address);
    }
    if let (Some(address), Ok(entry)) = (address, entry.parse::<IpAddr>()) {
        return address == entry;
    }
    let (name, wanted_port) = match entry.rsplit_once(':') {
        Some((name, number)) if number.parse::<u16>().is_ok() => (name, number.parse().ok()),
        _ => (entry, None),
    };
    if wanted_port.is_some() && wanted_port != port {
        return false;
    }
    // `.example.org` and `*.example.org` mean what is below; a bare name means
    // itself and what is below.
    if let Some(suffix) = name
        .strip_prefix('*')
        .or(name.starts_with('.').then_some(name))
    {
        return suffix.starts_with('.') && host.ends_with(suffix);
    }
    host == name
        || host
            .strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'))
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(no_proxy: &str, url: &str, proxied: bool) {
        let choice = ProxyChoice::all("http://proxy:3128", no_proxy);
        let uri: Uri = url.parse().expect("a URL");
        assert_eq!(choice.for_uri(&uri).is_some(), proxied, "{no_proxy} {url}");
    }

    #[test]
    fn no_proxy_knows_names_suffixes_addresses_and_ranges() {
        check("", "https://github.com/x", true);
        check("", "https://127.0.0.1:6443/", false);
        check("*", "https://github.com/x", false);
        check("10.0.0.0/8", "https://10.43.0.1/api", false);
        check("10.0.0.0/8", "https://11.43.0.1/api", true);
        check("0.0.0.0/0", "https://11.43.0.1/api", false);
        check("fd00::/8", "https://[fd12::1]/api", false);
        check("cluster.local", "http://git.cluster.local/x", false);
        check(".cluster.local", "http://cluster.local/x", true);
        check("*.cluster.local", "http://a.cluster.local/x", false);
        check("ster.local", "http://cluster.local/x", true);
        check("git.lan:3000", "http://git.lan:3000/x", false);
        check("git.lan:3000", "http://git.lan:3001/x", true);
        check("a, GIT.lan", "http://git.LAN/x", false);
    }

    #[test]
    fn the_environment_chooses_by_scheme() {
        let choice = ProxyChoice::from_variables(|name| match name {
            "https_proxy" => Some("http://p:1".into()),
            "NO_PROXY" => Some("x".into()),
            _ => None,
        });
        let uri = |text: &str| text.parse::<Uri>().expect("a URL");
        assert_eq!(choice.for_uri(&uri("https://y/")), Some("http://p:1"));
        assert_eq!(choice.for_uri(&uri("http://y/")), None);
        assert_eq!(choice.for_uri(&uri("https://x/")), None);
    }
}
