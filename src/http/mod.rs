//! Client settings: TLS, proxies, CAs, limits, redirects, retries.
