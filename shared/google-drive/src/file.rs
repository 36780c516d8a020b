//! Files and folders: made, found, looked at. A file is made with an id that Drive has given out before, so that making it twice makes one:
//! the second time Drive answers 409.
//!
//! <https://developers.google.com/workspace/drive/api/reference/rest/v3/files>,
//! <https://developers.google.com/workspace/drive/api/guides/create-file#generate-ids>

use outbound::Reply;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use table::new_nonce;

use crate::client::{Call, Drive, read};
use crate::content::md5_of;
use crate::fault::Fault;
use crate::id::FileId;

/// What a folder is called among media types.
const FOLDER: &str = "application/vnd.google-apps.folder";
/// What Drive is asked to say of a file.
const FIELDS: &str = "id,mimeType,trashed,size,md5Checksum,appProperties";
/// The property of a file in which the MD5 is that its sender knew. Only this service account's project sees it.
const SENT_MD5: &str = "droverMd5";
/// The most bytes of a document, which Drive takes in one request (5 MB).
const LARGEST_DOCUMENT: usize = 5_000_000;
/// The most ids that are asked for at once (Drive's limit).
const MOST_IDS: usize = 1_000;
/// A file that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its id, from [`Drive::generate_ids`]. Stored by the caller before anything else, it makes every repetition safe.
    pub id: &'a FileId,
    /// How it is called. Drive lets several files of a folder have one name.
    pub name: &'a str,
    /// Its media type, as `video/mp4`.
    pub media_type: &'a str,
    /// The folder it lies in.
    pub folder: &'a FileId,
}

impl NewFile<'_> {
    pub(crate) fn metadata(&self, md5: &str) -> Json {
        json!({
            "id": self.id, "name": self.name, "mimeType": self.media_type, "parents": [self.folder],
            "appProperties": {SENT_MD5: md5},
        })
    }
}

/// A file as Drive has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// How many bytes it has.
    pub size: u64,
    /// The MD5 of what Drive has, in hexadecimal.
    pub md5: String,
    /// Whether it is in the trash, by itself or with its folder.
    pub trashed: bool,
}

/// What Drive says of a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: FileId,
    mime_type: String,
    #[serde(default)]
    trashed: bool,
    /// A number in a text; folders have none.
    size: Option<String>,
    md5_checksum: Option<String>,
    #[serde(default)]
    app_properties: serde_json::Map<String, Json>,
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<FileId>,
}

#[derive(Deserialize)]
struct List {
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: FileId,
}

impl Drive {
    /// Ids for files and folders to be made, up to 1,000. They belong to this service account; one that is never used does no harm.
    pub async fn generate_ids(&self, count: usize) -> Result<Vec<FileId>, Fault> {
        let count = count.clamp(1, MOST_IDS);
        let url = self.url("/drive/v3/files/generateIds", &[("count", &count.to_string()), ("space", "drive")])?;
        let told: Ids = read(&self.call(&Call::get(url)).await?)?;
        if told.ids.len() == count { Ok(told.ids) } else { Err(Fault::Garbled) }
    }

    /// Whether Drive takes our credentials: for a health check.
    pub async fn check(&self) -> Result<(), Fault> {
        let url = self.url("/drive/v3/about", &[("fields", "kind")])?;
        self.call(&Call::get(url)).await.map(drop)
    }

    /// Makes a file of a document that is in memory, of up to 5 MB. If it is there already, that is the answer, whatever is in it: of two
    /// who make it at once, one does.
    pub async fn create_document(&self, new: &NewFile<'_>, document: &[u8]) -> Result<File, Fault> {
        if document.len() > LARGEST_DOCUMENT {
            return Err(Fault::TooLarge(LARGEST_DOCUMENT));
        }
        let url = self.url("/upload/drive/v3/files", &uploading("multipart"))?;
        let boundary = new_nonce();
        let body = multipart(&boundary, &new.metadata(&md5_of(document)), new.media_type, document)?;
        let call = Call::with_body(Method::POST, url, &format!("multipart/related; boundary={boundary}"), body)?;
        let reply = self.call(&call).await?;
        if reply.status == 409 { self.stored(new.id).await } else { self.answered(new.id, &reply).await }
    }

    /// The file of an id that was there when another was to be made.
    pub(crate) async fn stored(&self, id: &FileId) -> Result<File, Fault> {
        match self.told(id).await {
            Ok(told) => self.whole(told).await,
            Err(Fault::Missing) => Err(Fault::Spent),
            Err(fault) => Err(fault),
        }
    }

    /// The file that an answer says was made.
    pub(crate) async fn answered(&self, id: &FileId, reply: &Reply) -> Result<File, Fault> {
        match read::<Told>(reply) {
            Ok(told) if told.md5_checksum.is_some() => self.whole(told).await,
            // It was made, and that is all that was said.
            _ => self.stored(id).await,
        }
    }

    /// A file, if what Drive has of it is what its sender sent. It need not have been us: another process may have uploaded it.
    async fn whole(&self, told: Told) -> Result<File, Fault> {
        let sent = told.app_properties.get(SENT_MD5).and_then(Json::as_str);
        let (Some(sent), Some(md5)) = (sent, told.md5_checksum.as_deref()) else { return Err(Fault::Garbled) };
        if sent != md5 {
            tracing::error!(id = %told.id, "Google Drive has stored something else than was sent");
            if let Err(fault) = self.trash(&told.id).await {
                tracing::warn!(%fault, "and it cannot be put into the trash");
            }
            return Err(Fault::Corrupt);
        }
        let size = told.size.and_then(|size| size.parse().ok()).ok_or(Fault::Garbled)?;
        Ok(File { id: told.id, size, md5: md5.to_owned(), trashed: told.trashed })
    }

    async fn told(&self, id: &FileId) -> Result<Told, Fault> {
        let url = self.url(&format!("/drive/v3/files/{id}"), &[("fields", FIELDS), ("supportsAllDrives", "true")])?;
        read(&self.call(&Call::get(url)).await?)
    }

    async fn trash(&self, id: &FileId) -> Result<(), Fault> {
        let url = self.url(&format!("/drive/v3/files/{id}"), &[("fields", "id"), ("supportsAllDrives", "true")])?;
        self.call(&json_call(Method::PATCH, url, &json!({"trashed": true}))?).await.map(drop)
    }

    /// Makes a folder of this id, or finds that it was made.
    pub(crate) async fn create_folder(&self, id: &FileId, name: &str, parent: &FileId) -> Result<(), Fault> {
        let url = self.url("/drive/v3/files", &[("fields", "id"), ("supportsAllDrives", "true")])?;
        let metadata = json!({"id": id, "name": name, "mimeType": FOLDER, "parents": [parent]});
        self.call(&json_call(Method::POST, url, &metadata)?).await.map(drop)
    }

    /// The oldest folder of this name in `parent` that is not in the trash.
    pub(crate) async fn find_folder(&self, name: &str, parent: &FileId) -> Result<Option<FileId>, Fault> {
        let query = folder_query(name, parent);
        let parameters = [
            ("q", query.as_str()),
            ("orderBy", "createdTime"),
            ("pageSize", "1"),
            ("fields", "files(id)"),
            ("supportsAllDrives", "true"),
            ("includeItemsFromAllDrives", "true"),
        ];
        let list: List = read(&self.call(&Call::get(self.url("/drive/v3/files", &parameters)?)).await?)?;
        Ok(list.files.into_iter().next().map(|file| file.id))
    }

    /// Whether this is a folder that is not in the trash, nor in one that is.
    pub(crate) async fn has_folder(&self, id: &FileId) -> Result<bool, Fault> {
        match self.told(id).await {
            Ok(told) => Ok(told.mime_type == FOLDER && !told.trashed),
            Err(Fault::Missing) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

/// The parameters of a request that begins an upload.
pub(crate) const fn uploading(kind: &str) -> [(&str, &str); 3] {
    [("uploadType", kind), ("fields", FIELDS), ("supportsAllDrives", "true")]
}

/// A call whose body is JSON.
pub(crate) fn json_call(method: Method, url: url::Url, body: &Json) -> Result<Call, Fault> {
    Call::with_body(method, url, "application/json; charset=UTF-8", body.to_string())
}

fn folder_query(name: &str, parent: &FileId) -> String {
    let name = name.replace('\\', r"\\").replace('\'', r"\'");
    format!("name = '{name}' and mimeType = '{FOLDER}' and '{parent}' in parents and trashed = false")
}

/// RFC 2387: what a file is called, and what is in it.
fn multipart(boundary: &str, metadata: &Json, media_type: &str, document: &[u8]) -> Result<Vec<u8>, Fault> {
    if media_type.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Fault::Refused(400));
    }
    let head = format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{metadata}\r\n--{boundary}\r\nContent-Type: {media_type}\r\n\r\n"
    );
    Ok([head.as_bytes(), document, format!("\r\n--{boundary}--\r\n").as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_syntax_of_a_query() {
        let parent = FileId::parse("root").unwrap();
        for (name, quoted) in [("a b", "a b"), ("it's", r"it\'s"), (r"\' or '", r"\\\' or \'")] {
            let query = folder_query(name, &parent);
            let expected = format!(
                "name = '{quoted}' and mimeType = 'application/vnd.google-apps.folder' and 'root' in parents and trashed = false"
            );
            assert_eq!(query, expected);
        }
    }

    #[test]
    fn a_document_is_sent_with_what_it_is_called() {
        let body = multipart("b", &json!({"name": "n"}), "application/json", b"{}").unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "--b\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"n\"}\r\n--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n"
        );
        assert_eq!(multipart("b", &json!({}), "text/plain\r\n\r\nmore", b""), Err(Fault::Refused(400)));
    }
}
