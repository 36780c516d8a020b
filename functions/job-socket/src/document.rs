//! The handshake as the document tells it, and what is told once it is done: OpenAPI has no words for messages.

use input::schema::uuid;
use utoipa::OpenApi;

use crate::connect;
use crate::news::Standing;

input::parameters! {
    /// The job of a path.
    pub(crate) JobPath {
        path "job_id" "The job's id." => uuid(),
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(connect::answer), components(schemas(Standing)))]
pub struct Document;
