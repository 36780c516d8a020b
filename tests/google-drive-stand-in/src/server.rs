//! Requests and answers: which call it is, who may make it, and what goes wrong with it.

use std::sync::Arc;

use anyhow::bail;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::answer::{Answer, Body};
use crate::control;
use crate::files::{Parameters, about};
use crate::plan::{Call, Trouble};
use crate::resumable::{Part, Session};
use crate::stand_in::{StandIn, locked};
use crate::store::Wanted;

/// Serves a stand-in.
pub async fn serve(stand_in: StandIn, listener: TcpListener) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let stand_in = stand_in.clone();
        tokio::spawn(async move {
            // An error of the handler closes the connection without an answer.
            let service = service_fn(move |request| handle(stand_in.clone(), request));
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn handle(stand_in: StandIn, request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if let Some(path) = path.strip_prefix("/_control/") {
        let body = body.collect().await?.to_bytes();
        return control::answer(&stand_in, &head.method, path, &body).into_response();
    }
    let parameters = Parameters::read(head.uri.query());
    if let Some(upload) = parameters.get("upload_id").filter(|_| head.method == Method::PUT) {
        return stand_in.part(&head, upload, body).await;
    }
    let body = body.collect().await?.to_bytes();
    let Some(call) = call(&head.method, &path, &parameters) else {
        return Answer::refused(404, "notFound", "Not Found").into_response();
    };
    let trouble = stand_in.trouble(call, about(&path, &parameters, &body).as_deref());
    let is_corrupted = trouble == Some(Trouble::Corrupted);
    let answer = match &trouble {
        Some(Trouble::Closed | Trouble::Cut) => {
            stand_in.note(call, None);
            bail!("as planned")
        }
        Some(refused @ Trouble::Refused { .. }) => Answer::of_trouble(refused),
        _ => None,
    };
    let answer = answer.unwrap_or_else(|| stand_in.answer(call, &head, &path, &parameters, &body, is_corrupted));
    stand_in.finish(call, trouble.as_ref(), answer)
}

/// What a request asks.
fn call(method: &Method, path: &str, parameters: &Parameters) -> Option<Call> {
    let upload = parameters.get("uploadType");
    Some(match (method.as_str(), path, upload) {
        ("POST", "/token", _) => Call::Token,
        ("GET", "/drive/v3/about", _) => Call::About,
        ("GET", "/drive/v3/files/generateIds", _) => Call::GenerateIds,
        ("GET", "/drive/v3/files", _) => Call::List,
        ("POST", "/drive/v3/files", _) => Call::Create,
        ("POST", "/upload/drive/v3/files", Some("multipart")) => Call::Multipart,
        ("POST", "/upload/drive/v3/files", Some("resumable")) => Call::Begin,
        (_, path, _) if path.strip_prefix("/drive/v3/files/").is_some_and(|id| !id.contains('/')) => {
            match method.as_str() {
                "GET" => Call::Get,
                "PATCH" => Call::Update,
                "DELETE" => Call::Delete,
                _ => return None,
            }
        }
        _ => return None,
    })
}

impl StandIn {
    fn answer(
        &self,
        call: Call,
        head: &Parts,
        path: &str,
        parameters: &Parameters,
        body: &[u8],
        is_corrupted: bool,
    ) -> Answer {
        if call == Call::Token {
            let (status, told) = locked(&self.account).exchange(body);
            return Answer::json(status, &told);
        }
        if !locked(&self.account).knows(header(head, "authorization")) {
            return Answer::refused(401, "authError", "Invalid Credentials");
        }
        let id = path.rsplit('/').next().unwrap_or_default();
        let answer = match call {
            Call::About if parameters.get("fields").is_none() => {
                Err(Answer::refused(400, "required", "The 'fields' parameter is required for this method."))
            }
            Call::About => Ok(Answer::json(200, &json!({"kind": "drive#about"}))),
            Call::GenerateIds => self.generate_ids(parameters),
            Call::List => self.list(parameters),
            Call::Get => self.get(id, parameters),
            Call::Create => self.create(body, parameters),
            Call::Multipart => {
                self.multipart(header(head, "content-type").unwrap_or_default(), body, parameters, is_corrupted)
            }
            Call::Begin => self.begin(head, parameters, body),
            Call::Update => self.update(id, body, parameters),
            Call::Delete => self.remove(id, parameters),
            Call::Token | Call::Chunk | Call::Question => Err(Answer::empty(500)),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    fn begin(&self, head: &Parts, parameters: &Parameters, body: &[u8]) -> Result<Answer, Answer> {
        let mut wanted = Wanted::read(body)?;
        let media_type = header(head, "x-upload-content-type").map(str::to_owned);
        wanted.mime_type = wanted.mime_type.or(media_type);
        let all_drives = parameters.all_drives();
        locked(&self.store).admit(&wanted, all_drives)?;
        let size = header(head, "x-upload-content-length").and_then(|size| size.parse().ok());
        let upload = format!("AEnB2U{}", Uuid::new_v4().simple());
        let session = Session::new(wanted, parameters.fields().to_owned(), all_drives, size);
        locked(&self.sessions).insert(upload.clone(), Arc::new(tokio::sync::Mutex::new(session)));
        let location = format!("{}/upload/drive/v3/files?uploadType=resumable&upload_id={upload}", self.address());
        Ok(Answer::empty(200).with("location", location).with("x-guploader-uploadid", upload))
    }

    /// A part of a resumable upload, or the question what has come. What is read before the connection breaks is kept.
    async fn part(&self, head: &Parts, upload: &str, mut body: Incoming) -> anyhow::Result<Response<Body>> {
        let part = header(head, "content-range").and_then(Part::read);
        let call = if matches!(part, Some(Part::Bytes { .. })) { Call::Chunk } else { Call::Question };
        let known = locked(&self.sessions).get(upload).cloned();
        let Some(session) = known else {
            body.collect().await?;
            return self.finish(call, None, Answer::refused(404, "notFound", "The upload session is not found."));
        };
        let mut session = session.lock().await;
        let trouble = self.trouble(call, Some(&session.wanted.parent));
        let authorization = header(head, "authorization");
        let refused = match (&trouble, &part) {
            (Some(Trouble::Closed), _) => {
                self.note(call, None);
                bail!("as planned")
            }
            (Some(Trouble::Expired), _) => {
                locked(&self.sessions).remove(upload);
                Some(Answer::refused(410, "gone", "The upload session is gone."))
            }
            (Some(refused @ Trouble::Refused { .. }), _) => Answer::of_trouble(refused),
            // The session's address is enough; a token that is sent must hold.
            _ if authorization.is_some() && !locked(&self.account).knows(authorization) => {
                Some(Answer::refused(401, "authError", "Invalid Credentials"))
            }
            (_, None) => Some(Answer::refused(400, "badRequest", "Failed to parse Content-Range header.")),
            (_, Some(_)) if session.file.is_some() => None,
            (_, Some(part)) => {
                let length = header(head, "content-length").and_then(|length| length.parse().ok());
                session.admit(part, length).err().map(|why| Answer::refused(400, "badRequest", why))
            }
        };
        if let Some(refused) = refused {
            body.collect().await?;
            return self.finish(call, trouble.as_ref(), refused);
        }
        let length = match &part {
            Some(Part::Bytes { range, .. }) if session.file.is_none() => range.end - range.start,
            _ => 0,
        };
        let most = match trouble {
            Some(Trouble::Cut | Trouble::Partial) => fastrand::u64(0..length.max(1)),
            _ => length,
        };
        let mut left = most;
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame?.into_data() else { continue };
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            session.take(&bytes[..taken]);
            left -= taken as u64;
            if left == 0 && trouble == Some(Trouble::Cut) {
                self.note(call, None);
                bail!("as planned")
            }
        }
        let answer = self.progress(&mut session, trouble == Some(Trouble::Corrupted));
        self.finish(call, trouble.as_ref(), answer)
    }

    /// What a session has come to: a file once all has come.
    fn progress(&self, session: &mut Session, is_corrupted: bool) -> Answer {
        if session.file.is_none() {
            let Some(stored) = session.stored(is_corrupted) else {
                let answer = Answer::empty(308);
                return match session.range() {
                    Some(range) => answer.with("range", range),
                    None => answer,
                };
            };
            match locked(&self.store).create(&session.wanted, Some(stored), session.all_drives) {
                Ok(id) => session.file = Some(id),
                Err(refused) => return refused,
            }
        }
        let id = session.file.as_deref().unwrap_or_default();
        self.told(id, &session.fields, session.all_drives).unwrap_or_else(|refused| refused)
    }

    /// Sends an answer, or keeps it to itself.
    fn finish(&self, call: Call, trouble: Option<&Trouble>, answer: Answer) -> anyhow::Result<Response<Body>> {
        if trouble == Some(&Trouble::Unanswered) {
            self.note(call, None);
            bail!("as planned")
        }
        self.note(call, Some(answer.status));
        answer.into_response()
    }
}

fn header<'head>(head: &'head Parts, name: &str) -> Option<&'head str> {
    head.headers.get(name)?.to_str().ok()
}
