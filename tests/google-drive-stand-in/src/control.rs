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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Call, Plan, Trouble};
    use crate::store::{MY_DRIVE, Seen};

    #[test]
    fn another_process_plans_trouble_for_a_folder_of_its_own_and_sees_what_is_there() {
        let stand_in = StandIn::new("http://127.0.0.1:1".to_owned()).unwrap();
        let made = answer(&stand_in, &Method::POST, "folders", br#"{"name": "mine", "parent": "root"}"#);
        let made: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
        let folder = made["id"].as_str().unwrap();
        let plan = json!({
            "within": folder,
            "on": ["begin", "chunk"],
            "way": {"one-in": {"calls": 1, "seed": 7, "troubles": [{"trouble": "cut"}]}},
        });
        assert_eq!(answer(&stand_in, &Method::POST, "plans", plan.to_string().as_bytes()).status, 204);
        assert_eq!(stand_in.trouble(Call::Chunk, Some(folder)), Some(Trouble::Cut));
        assert_eq!(stand_in.trouble(Call::Get, Some(folder)), None);
        assert_eq!(stand_in.trouble(Call::Chunk, Some(MY_DRIVE)), None);

        let seen: Vec<Seen> = serde_json::from_slice(&answer(&stand_in, &Method::GET, "files", b"").body).unwrap();
        assert_eq!(seen, stand_in.files());
        assert_eq!((seen[0].path.as_str(), seen[0].parent.as_str()), ("mine", MY_DRIVE));
        let steps = json!(Plan::steps(&[Call::Token], &[None, Some(Trouble::status(503))]));
        let refused = json!({"trouble": "refused", "status": 503, "reason": "backendError", "retry_after": null});
        assert_eq!(steps, json!({"within": null, "on": ["token"], "way": {"steps": [null, refused]}}));
        assert_eq!(answer(&stand_in, &Method::POST, "plans", b"{}").status, 400);
    }
}
