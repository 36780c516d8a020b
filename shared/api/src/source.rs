//! Where a request came from.

use axum::extract::Request;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

/// The address that API Gateway saw; never a header, which the caller could forge.
#[must_use]
pub fn source_address(request: &Request) -> String {
    let seen = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.clone(),
        _ => None,
    };
    seen.unwrap_or_else(|| "unknown".to_owned())
}
