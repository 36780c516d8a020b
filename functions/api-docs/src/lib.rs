//! The document of the APIs over HTTP: `/openapi.json`, and the pages that show it, `/docs` (Swagger UI) and `/redoc` (contracts/video-jobs.md).
//! Everything a page needs comes from here, and nothing from another host. It reads no table, and needs nobody to say who they are.

mod asset;

use api::bare_errors;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use self::asset::Asset;

const DOCUMENT: Asset =
    Asset::changing("application/json", include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz")));
const SWAGGER_UI: Asset = Asset::changing("text/html; charset=utf-8", include_bytes!("../pages/docs.html"));
const REDOC: Asset = Asset::changing("text/html; charset=utf-8", include_bytes!("../pages/redoc.html"));
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ASSETS: [(&str, Asset); 5] = [
    ("swagger-ui.js", Asset::lasting(SCRIPT, include_bytes!("../assets/swagger-ui.js.gz"))),
    ("swagger-ui.css", Asset::lasting("text/css; charset=utf-8", include_bytes!("../assets/swagger-ui.css.gz"))),
    ("redoc.js", Asset::lasting(SCRIPT, include_bytes!("../assets/redoc.js.gz"))),
    ("docs.js", Asset::changing(SCRIPT, include_bytes!("../pages/docs.js"))),
    ("redoc-page.js", Asset::changing(SCRIPT, include_bytes!("../pages/redoc.js"))),
];

/// Every route of this function.
pub fn router() -> Router {
    Router::new()
        .route("/openapi.json", get(async |headers: HeaderMap| DOCUMENT.answer(&headers)))
        .route("/docs", get(async |headers: HeaderMap| SWAGGER_UI.answer(&headers)))
        .route("/docs/assets/{name}", get(asset))
        .route("/redoc", get(async |headers: HeaderMap| REDOC.answer(&headers)))
        .layer(axum::middleware::from_fn(|request, next| bare_errors(told, request, next)))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|(known, _)| *known == name);
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |(_, asset)| asset.answer(&headers))
}

/// What a bare status is told by: the form of the contract that these paths are of.
fn told(status: StatusCode) -> Option<Response> {
    let detail = match status {
        StatusCode::NOT_FOUND => "Not Found",
        StatusCode::METHOD_NOT_ALLOWED => "Method Not Allowed",
        status if status.is_server_error() => "Internal Server Error",
        _ => return None,
    };
    Some((status, axum::Json(json!({"detail": detail}))).into_response())
}
