//! What paths name.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

/// The id in a path, in its one usual form: others would be other names of the same thing. None if it is none.
pub(crate) async fn id<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<Uuid> {
    let Path(text) = Path::<String>::from_request_parts(parts, state).await.ok()?;
    text.parse().ok().filter(|id: &Uuid| id.to_string() == text)
}
