//! What a test in another process may ask and order: the same as in this one.

use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::stand_in::StandIn;

/// A folder that a person makes.
#[derive(Deserialize)]
struct Folder {
    name: String,
    parent: String,
}

pub(crate) fn answer(stand_in: &StandIn, method: &Method, path: &str, body: &[u8]) -> Answer {
    match (method.as_str(), path) {
        ("GET", "key-file") => Answer::json(200, &stand_in.key_file()),
        ("GET", "files") => Answer::json(200, &json!(stand_in.files())),
        ("GET", "asked") => Answer::json(200, &json!(stand_in.asked())),
        ("POST", "plans") => match serde_json::from_slice(body) {
            Ok(plan) => {
                stand_in.plan(plan);
                Answer::empty(204)
            }
            Err(error) => Answer::refused(400, "badRequest", &error.to_string()),
        },
        ("DELETE", "plans") => {
            stand_in.mend();
            Answer::empty(204)
        }
        ("POST", "folders") => {
            let folder = serde_json::from_slice::<Folder>(body).ok();
            let made = folder.and_then(|folder| stand_in.folder(&folder.name, &folder.parent));
            made.map_or_else(|| Answer::empty(400), |id| Answer::json(200, &json!({"id": id})))
        }
        ("POST", "expire-sessions") => {
            stand_in.expire_sessions();
            Answer::empty(204)
        }
        ("POST", "revoke-tokens") => {
            stand_in.revoke_tokens();
            Answer::empty(204)
        }
        ("POST", _) if path.starts_with("trash/") => status(stand_in.trash(path.trim_start_matches("trash/"))),
        ("POST", _) if path.starts_with("delete/") => status(stand_in.delete(path.trim_start_matches("delete/"))),
        _ => Answer::empty(404),
    }
}

const fn status(is_done: bool) -> Answer {
    Answer::empty(if is_done { 204 } else { 404 })
}
