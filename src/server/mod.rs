//! HTTP: metrics, health, later API, UI, webhooks.
