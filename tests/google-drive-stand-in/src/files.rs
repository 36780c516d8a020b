//! What is asked of files, but resumable uploads: each call with its answer.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::answer::{Answer, partial};
use crate::query::{Term, parse};
use crate::resumable::md5_of;
use crate::stand_in::{StandIn, locked};
use crate::store::{Stored, Wanted};

/// The parameters of a request.
pub(crate) struct Parameters(HashMap<String, String>);

/// What Drive says of a file that is not asked what to say.
const USUAL: &str = "kind,id,name,mimeType";
/// The most bytes of a request that brings a file with it (5 MB, and what is said of it).
const LARGEST_MULTIPART: usize = 5_100_000;

impl Parameters {
    pub(crate) fn read(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn all_drives(&self) -> bool {
        self.get("supportsAllDrives") == Some("true")
    }

    pub(crate) fn fields(&self) -> &str {
        self.get("fields").unwrap_or(USUAL)
    }
}

impl Wanted {
    /// What a request says of the file that it wants made.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Answer> {
        let told: Json = serde_json::from_slice(body).map_err(|_| Answer::refused(400, "parseError", "Parse Error"))?;
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        let parents = told["parents"].as_array().map_or(&[][..], Vec::as_slice);
        let parent = match parents {
            [] => "root".to_owned(),
            [Json::String(parent)] => parent.clone(),
            _ => {
                return Err(Answer::refused(403, "cannotAddParent", "Increasing the number of parents is not allowed"));
            }
        };
        Ok(Self {
            id: text("id"),
            name: text("name").unwrap_or_else(|| "Untitled".to_owned()),
            mime_type: text("mimeType"),
            parent,
            app_properties: told["appProperties"].as_object().cloned().unwrap_or_default(),
        })
    }
}

impl StandIn {
    pub(crate) fn generate_ids(&self, parameters: &Parameters) -> Result<Answer, Answer> {
        let count = parameters.get("count").map_or(Ok(10), str::parse);
        let count = count.ok().filter(|count| (1..=1_000).contains(count));
        let count = count.ok_or_else(|| Answer::refused(400, "invalidParameter", "Invalid value for count"))?;
        let ids = locked(&self.store).issue(count);
        Ok(Answer::json(200, &json!({"kind": "drive#generatedIds", "space": "drive", "ids": ids})))
    }

    pub(crate) fn list(&self, parameters: &Parameters) -> Result<Answer, Answer> {
        let wrong = |name: &str| Answer::refused(400, "invalid", &format!("Invalid Value: {name}"));
        let terms = parameters.get("q").map_or_else(|| Some(Vec::new()), parse).ok_or_else(|| wrong("q"))?;
        if !matches!(parameters.get("orderBy"), None | Some("createdTime")) {
            return Err(wrong("orderBy"));
        }
        let number = |name: &str, usual: usize| parameters.get(name).map_or(Some(usual), |value| value.parse().ok());
        let size = number("pageSize", 100).filter(|size| (1..=1_000).contains(size));
        let (size, start) =
            (size.ok_or_else(|| wrong("pageSize"))?, number("pageToken", 0).ok_or_else(|| wrong("pageToken"))?);
        let fields = match parameters.get("fields") {
            None => USUAL,
            Some(fields) => {
                let inner = fields.strip_suffix(",nextPageToken").unwrap_or(fields);
                inner.strip_prefix("files(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| wrong("fields"))?
            }
        };
        let all_drives = parameters.all_drives() && parameters.get("includeItemsFromAllDrives") == Some("true");
        let found = locked(&self.store).list(&terms, all_drives);
        let page = found.iter().skip(start).take(size).map(|file| partial(file, fields));
        let mut told = json!({"files": page.collect::<Result<Vec<_>, _>>()?});
        if found.len() > start + size {
            told["nextPageToken"] = (start + size).to_string().into();
        }
        Ok(Answer::json(200, &told))
    }

    pub(crate) fn get(&self, id: &str, parameters: &Parameters) -> Result<Answer, Answer> {
        self.told(id, parameters.fields(), parameters.all_drives())
    }

    pub(crate) fn create(&self, body: &[u8], parameters: &Parameters) -> Result<Answer, Answer> {
        let wanted = Wanted::read(body)?;
        let id = locked(&self.store).create(&wanted, None, parameters.all_drives())?;
        self.get(&id, parameters)
    }

    pub(crate) fn multipart(
        &self,
        content_type: &str,
        body: &[u8],
        parameters: &Parameters,
        is_corrupted: bool,
    ) -> Result<Answer, Answer> {
        let malformed = || Answer::refused(400, "badContent", "Malformed multipart body.");
        if body.len() > LARGEST_MULTIPART {
            return Err(Answer::refused(413, "uploadTooLarge", "Request Too Large"));
        }
        let (metadata, content) = two_parts(content_type, body).ok_or_else(malformed)?;
        let wanted = Wanted::read(metadata)?;
        let md5 = if is_corrupted { md5_of(&[content, b"?"].concat()) } else { md5_of(content) };
        let stored = Stored { size: content.len() as u64, md5, bytes: Some(content.to_vec()) };
        let id = locked(&self.store).create(&wanted, Some(stored), parameters.all_drives())?;
        self.get(&id, parameters)
    }

    pub(crate) fn update(&self, id: &str, body: &[u8], parameters: &Parameters) -> Result<Answer, Answer> {
        let told: Json = serde_json::from_slice(body).map_err(|_| Answer::refused(400, "parseError", "Parse Error"))?;
        let Some(trashed) = told["trashed"].as_bool() else {
            return Err(Answer::refused(501, "notImplemented", "The stand-in changes nothing but this."));
        };
        locked(&self.store).trash(id, trashed, parameters.all_drives())?;
        self.get(id, parameters)
    }

    pub(crate) fn remove(&self, id: &str, parameters: &Parameters) -> Result<Answer, Answer> {
        locked(&self.store).delete(id, parameters.all_drives())?;
        Ok(Answer::empty(204))
    }

    pub(crate) fn told(&self, id: &str, fields: &str, all_drives: bool) -> Result<Answer, Answer> {
        let whole = locked(&self.store).get(id, all_drives)?;
        Ok(Answer::json(200, &partial(&whole, fields)?))
    }
}

/// What a request is about: a file or a folder, to say whose trouble it is.
pub(crate) fn about(path: &str, parameters: &Parameters, body: &[u8]) -> Option<String> {
    if let Some(id) = path.strip_prefix("/drive/v3/files/").filter(|id| *id != "generateIds") {
        return Some(id.to_owned());
    }
    if let Some(query) = parameters.get("q") {
        let terms = parse(query)?;
        return terms.into_iter().find_map(|term| if let Term::In(parent) = term { Some(parent) } else { None });
    }
    // Of a multipart body the metadata comes first, and ends with its line.
    let text = String::from_utf8_lossy(body);
    let metadata = text.lines().find(|line| line.starts_with('{'))?;
    Wanted::read(metadata.as_bytes()).ok().map(|wanted| wanted.parent)
}

/// The two parts of a body (RFC 2387).
fn two_parts<'body>(content_type: &str, body: &'body [u8]) -> Option<(&'body [u8], &'body [u8])> {
    let boundary = content_type.strip_prefix("multipart/related; boundary=")?;
    let body = body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let (metadata, body) = split(body, format!("\r\n--{boundary}\r\n").as_bytes())?;
    let (content, rest) = split(body, format!("\r\n--{boundary}--").as_bytes())?;
    if !rest.trim_ascii().is_empty() {
        return None;
    }
    Some((split(metadata, b"\r\n\r\n")?.1, split(content, b"\r\n\r\n")?.1))
}

fn split<'body>(body: &'body [u8], at: &[u8]) -> Option<(&'body [u8], &'body [u8])> {
    let found = body.windows(at.len()).position(|part| part == at)?;
    Some((&body[..found], &body[found + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_two_parts() {
        let body = b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\na\r\n\r\nb\r\n--b--\r\n";
        assert_eq!(two_parts("multipart/related; boundary=b", body), Some((&b"{}"[..], &b"a\r\n\r\nb"[..])));
        assert_eq!(two_parts("multipart/related; boundary=c", body), None);
        assert_eq!(two_parts("application/json", body), None);
    }
}
