//! What the identity provider says of itself, its addresses and its keys: read when it is first needed, again after an hour, and when a token
//! names a key that is not among them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::core::CoreProviderMetadata;
use openidconnect::{AsyncHttpClient, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl};
use outbound::{Fault, Outbound};
use reqwest::{Method, Request, StatusCode};

use crate::provider::SignInError;

/// What a provider says of itself. One per process: it keeps it, and connections.
pub(crate) struct Discovery {
    issuer: IssuerUrl,
    http: Http,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    at: Instant,
}

impl Discovery {
    pub(crate) fn new(issuer: IssuerUrl, http: Http) -> Self {
        Self { issuer, http, known: Mutex::default() }
    }

    /// The way to the provider.
    pub(crate) const fn http(&self) -> &Http {
        &self.http
    }

    /// What it says, read within the last `age`.
    pub(crate) async fn metadata(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, SignInError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.at.elapsed() < age) {
            return Ok(known.metadata);
        }
        let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = Arc::new(read.map_err(|error| SignInError::Provider(told(&error)))?);
        let known = Known { metadata: Arc::clone(&metadata), at: Instant::now() };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(metadata)
    }
}

/// Sends what `openidconnect` asks the way that all of our requests go. What is only read is asked for once more after a fault of the
/// connection; a code is sent again only if it was not sent at all.
pub(crate) struct Http(Outbound);

impl Http {
    /// With so long for one request.
    pub(crate) const fn new(time_limit: Duration) -> Self {
        Self(Outbound::new(time_limit))
    }
}

impl<'client> AsyncHttpClient<'client> for Http {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Fault>> + Send + 'client>>;

    fn call(&'client self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let reads = request.method() == Method::GET;
            let request = Request::try_from(request).map_err(|_| Fault::Unreachable)?;
            let again = move |fault: &Fault| *fault == Fault::Unreachable || (reads && fault.is_of_transport());
            let reply = self.0.send(request, again).await?;
            let mut response = HttpResponse::new(reply.body);
            *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|_| Fault::BrokenOff)?;
            *response.headers_mut() = reply.headers;
            Ok(response)
        })
    }
}

/// What went wrong when the provider was asked what it says of itself.
fn told(error: &DiscoveryError<Fault>) -> String {
    match error {
        DiscoveryError::Request(fault) => fault.to_string(),
        DiscoveryError::Response(status, ..) if status.as_u16() != 200 => {
            format!("answered with status {}", status.as_u16())
        }
        DiscoveryError::Validation(_) => "calls itself otherwise than it is configured here".to_owned(),
        _ => "gave an answer that cannot be understood".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A provider that answers every request so; what it says of itself has its own address for `{issuer}`.
    async fn provider(head: &'static str, body: &'static str) -> IssuerUrl {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let body = body.replace("{issuer}", &issuer);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 4_096];
                let _ = stream.read(&mut asked).await;
                let answer =
                    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        IssuerUrl::new(issuer).unwrap()
    }

    /// One answer for both documents: each has fields that the other ignores.
    const RIGHT: &str = r#"{"issuer": "{issuer}", "authorization_endpoint": "{issuer}/a", "token_endpoint": "{issuer}/t",
        "jwks_uri": "{issuer}/k", "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"], "keys": []}"#;
    const JSON: &str = "200 OK\r\ncontent-type: application/json";

    #[tokio::test]
    async fn what_a_provider_says_of_itself_is_believed_only_if_it_is_its_own_and_in_form() {
        let somebody_else = r#"{"issuer": "https://accounts.example.com", "authorization_endpoint": "https://accounts.example.com/a",
            "jwks_uri": "https://accounts.example.com/k", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"]}"#;
        for (head, body, told) in [
            (JSON, RIGHT, None),
            (JSON, somebody_else, Some("calls itself otherwise than it is configured here")),
            (JSON, "{}", Some("gave an answer that cannot be understood")),
            (JSON, "<html>", Some("gave an answer that cannot be understood")),
            ("200 OK\r\ncontent-type: text/html", RIGHT, Some("gave an answer that cannot be understood")),
            ("500 Oh\r\ncontent-type: application/json", RIGHT, Some("answered with status 500")),
            ("302 Found\r\nlocation: http://127.0.0.1:1/", "", Some("answered with status 302")),
        ] {
            let discovery = Discovery::new(provider(head, body).await, Http::new(Duration::from_secs(20)));
            let fault = discovery.metadata(Duration::ZERO).await.err().map(|error| error.to_string());
            assert_eq!(fault, told.map(|told| format!("The identity provider {told}")), "{head}");
        }
    }

    #[tokio::test]
    async fn a_provider_that_is_not_there_or_does_not_answer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = IssuerUrl::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let discovery = Discovery::new(silent, Http::new(Duration::from_secs(1)));
        let fault = discovery.metadata(Duration::ZERO).await.err().unwrap().to_string();
        assert_eq!(fault, "The identity provider did not answer within 1 seconds");
        let nobody = IssuerUrl::new("http://127.0.0.1:1".to_owned()).unwrap();
        let discovery = Discovery::new(nobody, Http::new(Duration::from_secs(20)));
        let fault = discovery.metadata(Duration::ZERO).await.err().unwrap().to_string();
        assert_eq!(fault, "The identity provider could not be reached");
    }
}
