//! What must be told to nobody: the secrets of [`crate::scraper::Pool`]s and of proxies, the keys of [`crate::providers`] and [`crate::store`], and whole API keys.
//! All tests' answers are looked through for them as they come ([`check`]), and all logs at the end of a run.

use anyhow::ensure;

use crate::providers;
use crate::scraper::SECRET;
use crate::sign_in::CLIENT_SECRET;
use crate::store;

/// How the secret of a webhook begins.
pub const WEBHOOK_SECRET: &str = "whsec_";
/// How an API key begins; 64 hexadecimal digits follow.
const KEY_PREFIXES: [&str; 3] = ["sk_live_", "sk_prod_", "sk_test_"];
const KEY_DIGITS: usize = 64;

/// Fails if an answer to a request of `path` tells what it must not: a claim and a worker's list of proxies tell a secret, a new key is shown
/// once, and no other answer tells either.
pub fn check(path: &str, status: u16, body: &[u8]) -> anyhow::Result<()> {
    let body = String::from_utf8_lossy(body);
    let path = path.split('?').next().unwrap_or_default();
    let opens = status == 200 && (path.ends_with("/next") || path.ends_with("/api/proxies"));
    let is_new_key = status == 201 && (path.ends_with("/keys") || path == "/api-keys");
    let is_new_secret =
        matches!((status, path), (201, "/webhooks")) || (status == 200 && path.ends_with("/rotate-secret"));
    ensure!(opens || pool_secret_in(&body).is_none(), "{path} answered {status} with a secret: {body}");
    ensure!(provider_key_in(&body).is_none(), "{path} answered {status} with a provider's key: {body}");
    ensure!(
        is_new_secret || webhook_secret_in(&body).is_none(),
        "{path} answered {status} with a webhook's secret: {body}"
    );
    ensure!(is_new_key || api_key_in(&body).is_none(), "{path} answered {status} with an API key: {body}");
    Ok(())
}

/// What of a text is a secret of a pool, if anything.
#[must_use]
pub fn pool_secret_in(text: &str) -> Option<&str> {
    text.find(SECRET).map(|at| &text[at..at + SECRET.len()])
}

/// What of a text is the secret of a webhook, if anything.
#[must_use]
pub fn webhook_secret_in(text: &str) -> Option<&str> {
    text.find(WEBHOOK_SECRET).map(|at| &text[at..at + WEBHOOK_SECRET.len()])
}

/// What of a text is the key of a provider, or our secret there, if anything.
#[must_use]
pub fn provider_key_in(text: &str) -> Option<&'static str> {
    service_secrets().find(|secret| text.contains(secret))
}

/// Our secrets at other services.
pub fn service_secrets() -> impl Iterator<Item = &'static str> {
    providers::KEYS.into_iter().chain(store::SECRETS).map(|(_, key)| key).chain([CLIENT_SECRET])
}

/// What of a text is the token of a session, if anything: three parts of which the first two are JSON.
#[must_use]
pub fn session_token_in(text: &str) -> Option<&str> {
    let is_part = |part: &&str| part.starts_with("eyJ") && part.len() > 30;
    let is_token = |word: &&str| word.split('.').count() == 3 && word.split('.').take(2).all(|part| is_part(&part));
    text.split(|each: char| !(each.is_ascii_alphanumeric() || "-_.".contains(each))).find(is_token)
}

/// What of a text is a whole API key, if anything. Its preview is none.
#[must_use]
pub fn api_key_in(text: &str) -> Option<&str> {
    KEY_PREFIXES.into_iter().flat_map(|prefix| text.match_indices(prefix)).find_map(|(at, prefix)| {
        let key = text.get(at..at + prefix.len() + KEY_DIGITS)?;
        key[prefix.len()..].bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_and_previews_are_not() {
        let key = format!("sk_live_{}", "0a".repeat(32));
        assert_eq!(api_key_in(&format!("sk_test_short and {key} is told")), Some(key.as_str()));
        assert_eq!(api_key_in("sk_live_0a0a...0a0a, sk_test_"), None);
        let token = format!("eyJ{0}.eyJ{0}.{0}", "x".repeat(30));
        assert_eq!(session_token_in(&format!("\"Bearer {token}\"")), Some(token.as_str()));
        assert_eq!(session_token_in("eyJ.eyJ.x, function.handler.rs"), None);
        assert_eq!(pool_secret_in(&format!("\"{SECRET}-7\"")), Some(SECRET));
        assert_eq!(pool_secret_in("s3cr3t"), None);
        let (secret, key) = (format!("{SECRET}-7"), key.as_bytes());
        for (path, status, body, passes) in [
            ("/queue/linkedin/next?lease_seconds=30", 200, secret.as_bytes(), true),
            ("/queue/linkedin/next", 500, secret.as_bytes(), false),
            ("/api/proxies?country=US", 200, secret.as_bytes(), true),
            ("/api/proxies", 201, secret.as_bytes(), false),
            ("/api/proxies/inventory", 200, secret.as_bytes(), false),
            ("/admin/credentials/1", 200, secret.as_bytes(), false),
            ("/admin/keys", 201, key, true),
            ("/admin/keys", 200, key, false),
            ("/api-keys", 201, key, true),
            ("/api-keys", 200, key, false),
            ("/auth/google", 502, CLIENT_SECRET.as_bytes(), false),
            ("/queue/linkedin/next", 200, key, false),
            ("/llm/generate", 500, providers::KEYS[0].1.as_bytes(), false),
            ("/llm/generate", 500, b"invalid_api_key", true),
        ] {
            assert_eq!(check(path, status, body).is_ok(), passes, "{path} {status}");
        }
    }
}
