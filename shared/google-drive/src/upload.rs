//! Uploads that go on where they were interrupted, also in another process:
//! <https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable>.

use std::ops::Range;

use bytes::Bytes;
use outbound::Reply;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::chunk;
use crate::client::{Call, Drive};
use crate::content::{Content, Source};
use crate::fault::Fault;
use crate::file::{File, NewFile, json_call, uploading};
use crate::id::FileId;
use crate::patience::Patience;

/// How often an upload begins anew before it is given up.
const SESSIONS: u32 = 4;

/// An upload that has begun, for the caller to keep beside the file's id. Drive forgets it a week after the last request. Whoever has it may write
/// the file without any token: so it has no `Debug`, and is to be shown to nobody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    uri: String,
    file_id: FileId,
    size: u64,
    md5: String,
}

/// Where a session is kept, for another process to go on with.
pub trait KeepSession: Send {
    /// Why it could not be kept, or the upload not be made.
    type Error: From<Fault> + Send;

    /// Keeps the session. No byte is sent before.
    fn keep(&mut self, session: &Session) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What beginning an upload came to.
enum Begun {
    Session(Session, Url),
    /// Somebody has made the file.
    Stored(File),
}

/// What sending a file came to.
enum Sent {
    Stored(File),
    /// The session is no more.
    Gone,
}

/// What is asked of a session next.
enum Next {
    /// To take what begins here.
    Chunk(u64),
    /// What it has.
    Question,
}

/// The chunk that is in memory.
type Held = Option<(Range<u64>, Bytes)>;

impl Drive {
    /// Uploads a file, and gives it as Drive has it, its MD5 compared. `known` is the session that was kept by whoever tried before, if any: it is
    /// gone on with where it ended, if it was for the same bytes. A file of this id that is there already is the answer, also one with other bytes:
    /// of two who upload it at once, one does, and what the other has sent is forgotten.
    ///
    /// # Errors
    /// [`Fault::Missing`] if there is no such folder (see [`crate::Folders::forget`]); [`Fault::Spent`] and [`Fault::Corrupt`] if only another id
    /// will do; a fault that [`is_transient`](Fault::is_transient) if the same call may succeed later, with the session that was kept last.
    pub async fn upload<R, K>(
        &self,
        new: &NewFile<'_>,
        content: &mut Content<R>,
        known: Option<Session>,
        keeper: &mut K,
    ) -> Result<File, K::Error>
    where
        R: Source,
        K: KeepSession,
    {
        let limit = self.settings().upload_limit;
        let mut patience = Patience::new(self.settings(), limit);
        let uploaded = async {
            if let Some(uri) = known.and_then(|session| self.continuing(&session, new, content))
                && let Sent::Stored(file) = self.send(&uri, new.id, content, Next::Question, &mut patience).await?
            {
                return Ok(file);
            }
            for _ in 0..SESSIONS {
                let uri = match self.begin(new, content.size(), content.md5()).await? {
                    Begun::Stored(file) => return Ok(file),
                    Begun::Session(session, uri) => {
                        keeper.keep(&session).await?;
                        uri
                    }
                };
                if let Sent::Stored(file) = self.send(&uri, new.id, content, Next::Chunk(0), &mut patience).await? {
                    return Ok(file);
                }
            }
            Err(Fault::Lost.into())
        };
        tokio::time::timeout(limit, uploaded).await.unwrap_or_else(|_| Err(Fault::OutOfTime(limit).into()))
    }

    /// Where to go on with a session, if it is for this file with these bytes.
    fn continuing<R: Source>(&self, session: &Session, new: &NewFile<'_>, content: &Content<R>) -> Option<Url> {
        let is_same = session.file_id == *new.id && session.size == content.size() && session.md5 == content.md5();
        if is_same { self.session_uri(&session.uri) } else { None }
    }

    /// The address of a session, which must be Drive's: a token goes there, and all that is uploaded.
    fn session_uri(&self, uri: &str) -> Option<Url> {
        let (base, uri) = (Url::parse(&self.settings().address).ok()?, Url::parse(uri).ok()?);
        (uri.origin() == base.origin()).then_some(uri)
    }

    async fn begin(&self, new: &NewFile<'_>, size: u64, md5: &str) -> Result<Begun, Fault> {
        let url = self.url("/upload/drive/v3/files", &uploading("resumable"))?;
        let call = json_call(Method::POST, url, &new.metadata(md5))?
            .header("x-upload-content-type", new.media_type)?
            .header("x-upload-content-length", &size.to_string())?;
        let reply = self.call(&call).await?;
        if reply.status == 409 {
            return self.stored(new.id).await.map(Begun::Stored);
        }
        let location = header(&reply, "location").ok_or(Fault::Garbled)?;
        let uri = self.session_uri(location).ok_or(Fault::Garbled)?;
        let session = Session { uri: uri.to_string(), file_id: new.id.clone(), size, md5: md5.to_owned() };
        Ok(Begun::Session(session, uri))
    }

    /// Sends what Drive does not have, until it has all or the session is gone. After a fault it is asked what has come.
    async fn send<R: Source>(
        &self,
        uri: &Url,
        id: &FileId,
        content: &mut Content<R>,
        first: Next,
        patience: &mut Patience,
    ) -> Result<Sent, Fault> {
        let (mut next, mut furthest, mut held) = (first, 0, None);
        loop {
            let (call, has_asked) = self.request(uri, &next, content, &mut held).await?;
            let fault = match self.call_once(&call).await {
                Ok(reply) if reply.status == 308 => match chunk::received(header(&reply, "range")) {
                    Some(received) if received <= content.size() => {
                        next = Next::Chunk(received);
                        if received > furthest {
                            furthest = received;
                            patience.restore();
                            continue;
                        }
                        if has_asked && received < content.size() {
                            continue;
                        }
                        // It took a chunk and has none of it, or has all and makes no file of it.
                        Fault::Garbled
                    }
                    _ => Fault::Garbled,
                },
                Ok(reply) if reply.status == 409 => return self.stored(id).await.map(Sent::Stored),
                Ok(reply) => return self.answered(id, &reply).await.map(Sent::Stored),
                // Of any other 4xx the documents say that the session has ended.
                Err(Fault::Missing | Fault::Refused(_)) => return Ok(Sent::Gone),
                Err(fault) => fault,
            };
            patience.pause_after(fault).await?;
            next = Next::Question;
        }
    }

    /// The next request of a session, and whether it is a question. A file without bytes is sent as one.
    async fn request<R: Source>(
        &self,
        uri: &Url,
        next: &Next,
        content: &mut Content<R>,
        held: &mut Held,
    ) -> Result<(Call, bool), Fault> {
        let size = content.size();
        let (range, bytes) = match next {
            Next::Chunk(at) if *at < size => {
                let range = chunk::next(*at, size, self.settings().chunk());
                (Some(range.clone()), load(range, content, held).await?)
            }
            _ => (None, Bytes::new()),
        };
        let name = range.as_ref().map_or_else(|| chunk::question(size), |range| chunk::content_range(range, size));
        let call = Call::with_body(Method::PUT, uri.clone(), "application/octet-stream", bytes)?;
        Ok((call.header("content-range", &name)?, range.is_none()))
    }
}

/// The bytes of a chunk: those in memory if it is the same as before, else read instead of them.
async fn load<R: Source>(range: Range<u64>, content: &mut Content<R>, held: &mut Held) -> Result<Bytes, Fault> {
    if let Some((_, bytes)) = held.as_ref().filter(|(known, _)| *known == range) {
        return Ok(bytes.clone());
    }
    *held = None;
    let bytes = content.read(&range).await?;
    *held = Some((range, bytes.clone()));
    Ok(bytes)
}

fn header<'reply>(reply: &'reply Reply, name: &str) -> Option<&'reply str> {
    reply.headers.get(name)?.to_str().ok()
}
