//! `POST /api/webhook`: bounded, and nothing is read of it before its secret
//! is checked.

use super::forge::{Forge, Refusal};
use crate::agent::Handle;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::{Request, StatusCode};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Forges send up to 25 MB; what a push moved stands in the first kilobytes.
const MAX_BODY: usize = 2 * 1024 * 1024;
/// Of all payloads that are on their way: whoever sends them slowly must not fill
/// the memory with them.
const MAX_BODIES: u32 = 8 * 1024 * 1024;
/// The unit that they are counted in.
const BODY_UNIT: u32 = 1024;
/// So many at once, and one more in each pause.
const BURST: u32 = 30;
const PAUSE: Duration = Duration::from_millis(500);

/// Lets so many pass, and says how long the next one has to wait.
pub struct Gate {
    left: Mutex<(f64, Instant)>,
    bodies: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            left: Mutex::new((f64::from(BURST), Instant::now())),
            bodies: Semaphore::new((MAX_BODIES / BODY_UNIT) as usize),
        }
    }
}

impl Gate {
    fn pass(&self) -> Result<(), Duration> {
        let mut state = self.left.lock().expect("no holder of this lock panics");
        let now = Instant::now();
        let more = (now - state.1).as_secs_f64() / PAUSE.as_secs_f64();
        *state = ((state.0 + more).min(f64::from(BURST)), now);
        if state.0 < 1.0 {
            return Err(PAUSE.mul_f64(1.0 - state.0));
        }
        state.0 -= 1.0;
        Ok(())
    }
}

/// Status, and a line for whoever configures the webhook.
pub async fn take(
    request: Request<Incoming>,
    handle: &Handle,
    gate: &Gate,
) -> (StatusCode, String, Option<Duration>) {
    let plain = |status, text: String| (status, text, None);
    let Some(forge) = Forge::of(request.headers()) else {
        return plain(StatusCode::BAD_REQUEST, Refusal::Unknown.to_string());
    };
    if let Err(wait) = gate.pass() {
        let text = "too many webhooks: try again later".to_owned();
        return (StatusCode::TOO_MANY_REQUESTS, text, Some(wait));
    }
    let (head, body) = request.into_parts();
    let longest = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    // What does not say how long it is may be as long as can be.
    let bytes = body.size_hint().upper().unwrap_or(longest).min(longest);
    let units = u32::try_from(bytes)
        .unwrap_or(MAX_BODIES)
        .div_ceil(BODY_UNIT);
    let Ok(_place) = gate.bodies.try_acquire_many(units) else {
        let text = "too many large webhooks are on their way: try again later".to_owned();
        return (StatusCode::TOO_MANY_REQUESTS, text, Some(PAUSE));
    };
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let text = format!("the payload is broken off, or larger than {MAX_BODY} bytes");
            return plain(StatusCode::PAYLOAD_TOO_LARGE, text);
        }
    };
    let asked = handle.clone();
    let secrets = tokio::task::spawn_blocking(move || asked.webhook_secrets()).await;
    let secrets = match secrets {
        Ok(Ok(secrets)) => secrets,
        Ok(Err(error)) => return plain(StatusCode::SERVICE_UNAVAILABLE, error),
        Err(error) => return plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    if let Err(refusal) = forge.verify(&secrets, &head.headers, &body) {
        tracing::warn!(?forge, "webhook: {refusal}");
        return plain(StatusCode::UNAUTHORIZED, refusal.to_string());
    }
    match forge.pushes(&head.headers, &body) {
        Ok(pushes) => {
            let text = match pushes.len() {
                0 => "nothing was pushed".to_owned(),
                _ => "the repository is read again".to_owned(),
            };
            for push in pushes {
                handle.pushed(push);
            }
            plain(StatusCode::OK, text)
        }
        Err(refusal) => plain(StatusCode::BAD_REQUEST, refusal.to_string()),
    }
}
