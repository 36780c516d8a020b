//! The pages that are measured.

use std::path::PathBuf;

use axum::Router;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

const SHORT: &str = "<!doctype html><title>Short</title><h1>Short</h1><p>A page.</p>";

/// Two hundred rows, of data that comes when the page has loaded.
const BUILT: &str = "<!doctype html><title>Built</title><div id=root></div><script>
onload = async () => {
    const rows = await (await fetch('/rows')).json();
    root.innerHTML = rows.map((row) => `<div class=row><b>${row.name}</b> <i>${row.price}</i></div>`).join('');
}
</script>";

/// Serves them, and says where.
pub async fn serve(handbook: PathBuf) -> anyhow::Result<String> {
    let rows: Vec<_> = (0..200).map(|row| format!(r#"{{"name": "Article {row}", "price": {row}}}"#)).collect();
    let rows = format!("[{}]", rows.join(","));
    let pages = Router::new()
        .route("/short", get(async || Html(SHORT)))
        .route("/built", get(async || Html(BUILT)))
        .route("/rows", get(async || rows))
        .route("/handbook/{*path}", get(move |path| file(handbook, path)));
    let listener = TcpListener::bind("127.77.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, pages).await });
    Ok(url)
}

async fn file(folder: PathBuf, extract::Path(path): extract::Path<PathBuf>) -> Response {
    let path = folder.join(path);
    let content_type = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html",
        Some("css") => "text/css",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match tokio::fs::read(path).await {
        Ok(content) => ([("content-type", content_type)], content).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
