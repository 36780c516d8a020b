//! One attempt: signed, posted, and what came of it.

use std::time::Duration;

use anyhow::Context;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use scraping::fetch::{Limits, Reply, retry_after};
use table::Millis;
use webhooks::{Delivery, Endpoint, Signature, Told, WebhookSecret};

use crate::App;

/// What an attempt may take: its time, and how much of the answer is kept.
const LIMITS: Limits = Limits { time: Duration::from_secs(15), bytes: 1_024 };

impl App {
    /// Makes an attempt. An error is a fault of our own: nothing was sent.
    pub(crate) async fn attempt(&self, delivery: &Delivery, endpoint: &Endpoint) -> anyhow::Result<Told> {
        let attempted_at = self.clock.now();
        let headers = self.headers(delivery, endpoint, attempted_at).await?;
        table::cost::count_other_request();
        let reply = self.client.post(&endpoint.url, headers, delivery.body.clone(), LIMITS).await;
        let now = self.clock.now();
        let asked = reply.as_ref().ok().and_then(|reply| retry_after(&reply.headers, now));
        let answer = reply.map(|Reply { status, body, .. }| (status, shown(&body)));
        let answer = answer.map_err(|fault| format!("It {fault}"));
        Ok(Told { attempted_at, took: attempted_at.until(now), answer, retry_after: asked })
    }

    /// The headers of the scheme, signed by every secret that signs now.
    async fn headers(&self, delivery: &Delivery, endpoint: &Endpoint, now: Millis) -> anyhow::Result<HeaderMap> {
        let mut secrets = Vec::new();
        for sealed in endpoint.signing_secrets(now) {
            let secret = self.sealer.open(endpoint.seal_owner(), sealed).await?;
            secrets.push(WebhookSecret::unsealed(secret).context("a secret is damaged")?);
        }
        let signature = Signature::of(&secrets, &delivery.id, now, &delivery.body).context("nothing signs")?;
        Ok(HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-id"), HeaderValue::from_str(&delivery.id)?),
            (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(signature.timestamp)),
            (HeaderName::from_static("webhook-signature"), HeaderValue::from_str(&signature.text)?),
        ]))
    }
}

/// The beginning of an answer, as it can be stored and shown.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        assert_eq!(shown(b"ok"), "ok");
        assert_eq!(shown(b"a\0b\xff"), "a\u{fffd}b\u{fffd}");
        assert_eq!(shown(b""), "");
    }
}
