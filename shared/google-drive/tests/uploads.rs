//! Uploads to the stand-in, over TCP: whatever breaks, there is one file, and it is whole.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::io::{Cursor, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use google_drive::{
    Content, Credentials, Drive, Fault, File, FileId, KeepSession, NewFile, ServiceAccount, Session, Settings,
};
use google_drive_stand_in::{Call, Plan, SHARED_DRIVE, StandIn, Trouble};
use outbound::Outbound;
use table::Clock;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::JoinSet;

const MIB: usize = 1024 * 1024;
/// Of a chunk, in these tests, in bytes.
const CHUNK: usize = 4 * 256 * 1024;

/// A process that uploads to the stand-in.
fn drive(stand_in: &StandIn) -> Drive {
    drive_with(stand_in, |settings| settings)
}

fn drive_with(stand_in: &StandIn, change: impl FnOnce(Settings) -> Settings) -> Drive {
    let account = ServiceAccount::parse(&stand_in.key_file().to_string()).unwrap();
    let usual = Settings { chunk_blocks: 4, backoff: Duration::from_millis(1), ..Settings::new(stand_in.address()) };
    let outbound = Arc::new(Outbound::new(Duration::from_secs(30)));
    Drive::new(outbound, Credentials::Given(Arc::new(account)), change(usual), Clock::system())
}

fn folder() -> FileId {
    FileId::parse(SHARED_DRIVE).unwrap()
}

async fn new_id(drive: &Drive) -> FileId {
    drive.generate_ids(1).await.unwrap().remove(0)
}

fn video<'a>(id: &'a FileId, folder: &'a FileId) -> NewFile<'a> {
    NewFile { id, name: "7123456789012345678.mp4", media_type: "video/mp4", folder }
}

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes
}

/// What an upload leaves for the next process.
#[derive(Default)]
struct Kept(Option<Session>);

impl KeepSession for Kept {
    type Error = Fault;

    async fn keep(&mut self, session: &Session) -> Result<(), Fault> {
        // As it lies in a table.
        let stored = serde_json::to_string(session).unwrap();
        self.0 = Some(serde_json::from_str(&stored).unwrap());
        Ok(())
    }
}

/// Uploads these bytes, with what an earlier process has kept.
async fn upload(drive: &Drive, id: &FileId, bytes: &[u8], kept: &mut Kept) -> Result<File, Fault> {
    let mut content = Content::measure(Cursor::new(bytes)).await.unwrap();
    let known = kept.0.clone();
    drive.upload(&video(id, &folder()), &mut content, known, kept).await
}

/// That there is one file, that it is the one that was told of, and whole.
async fn assert_one(stand_in: &StandIn, file: &File, bytes: &[u8]) {
    let content = Content::measure(Cursor::new(bytes)).await.unwrap();
    assert_eq!((file.size, file.md5.as_str()), (content.size(), content.md5()));
    let files = stand_in.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!((files[0].id.as_str(), files[0].size), (file.id.as_str(), Some(file.size)));
    assert_eq!(files[0].md5.as_deref(), Some(content.md5()));
    assert_eq!((files[0].path.as_str(), files[0].mime_type.as_str()), ("7123456789012345678.mp4", "video/mp4"));
}

#[tokio::test]
async fn a_file_is_sent_in_chunks() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    for (size, chunks) in [(0, 0), (1, 1), (CHUNK - 1, 1), (CHUNK, 1), (CHUNK + 1, 2), (3 * CHUNK, 3)] {
        let (sent, bytes) = (stand_in.count(Call::Chunk), bytes(size, 1));
        let file = upload(&drive, &new_id(&drive).await, &bytes, &mut Kept::default()).await.unwrap();
        assert_one(&stand_in, &file, &bytes).await;
        assert_eq!(stand_in.count(Call::Chunk) - sent, chunks, "{size}");
        assert!(stand_in.delete(file.id.as_str()));
    }
    assert_eq!(stand_in.count(Call::Token), 1, "the token is kept");
}

#[tokio::test]
async fn twenty_megabytes_that_are_cut_again_and_again_arrive_once() {
    let bytes = bytes(20 * MIB, 2);
    for seed in 0..3 {
        let stand_in = StandIn::start().await.unwrap();
        let drive = drive_with(&stand_in, |settings| Settings { tries: 30, ..settings });
        let id = new_id(&drive).await;
        let troubles = [
            Trouble::Cut,
            Trouble::Partial,
            Trouble::Closed,
            Trouble::Unanswered,
            Trouble::status(500),
            Trouble::status(502),
            Trouble::status(503),
            Trouble::status(401),
            Trouble::forbidden("userRateLimitExceeded"),
            Trouble::Refused { status: 429, reason: "rateLimitExceeded".to_owned(), retry_after: Some(0) },
        ];
        stand_in.plan(Plan::one_in(2, seed, &[Call::Chunk, Call::Question, Call::Begin, Call::Get], &troubles));
        let file = match upload(&drive, &id, &bytes, &mut Kept::default()).await {
            Ok(file) => file,
            // Two 401 one after the other are final, as they are in life.
            Err(Fault::Unauthorised) => {
                stand_in.mend();
                upload(&drive, &id, &bytes, &mut Kept::default()).await.unwrap()
            }
            Err(fault) => panic!("with the seed {seed}: {fault}"),
        };
        assert_one(&stand_in, &file, &bytes).await;
    }
}

#[tokio::test]
async fn another_process_goes_on_where_the_first_one_ended() {
    let stand_in = StandIn::start().await.unwrap();
    let (bytes, mut kept) = (bytes(5 * CHUNK + 77, 3), Kept::default());
    let first = drive_with(&stand_in, |settings| Settings { tries: 1, ..settings });
    let id = new_id(&first).await;
    stand_in.plan(Plan::steps(&[Call::Chunk], &[None, None, Some(Trouble::Cut)]));
    assert_eq!(
        upload(&first, &id, &bytes, &mut kept).await,
        Err(Fault::Transport(outbound::Fault::BrokenOff)),
        "the first process gives up"
    );

    let file = upload(&drive(&stand_in), &id, &bytes, &mut kept).await.unwrap();
    assert_one(&stand_in, &file, &bytes).await;
    assert_eq!((stand_in.count(Call::Begin), stand_in.count(Call::Question)), (1, 1));
    // Two before the cut, the one that was cut, and at most four for what was left.
    assert!(stand_in.count(Call::Chunk) <= 7, "{}", stand_in.count(Call::Chunk));
}

#[tokio::test]
async fn a_session_is_not_gone_on_with_for_other_bytes() {
    let stand_in = StandIn::start().await.unwrap();
    let (drive, mut kept) = (drive_with(&stand_in, |settings| Settings { tries: 1, ..settings }), Kept::default());
    let id = new_id(&drive).await;
    stand_in.plan(Plan::steps(&[Call::Chunk], &[None, Some(Trouble::Cut)]));
    upload(&drive, &id, &bytes(3 * CHUNK, 4), &mut kept).await.unwrap_err();

    // The video was fetched again, and is another one, of the same size.
    let other = bytes(3 * CHUNK, 5);
    let file = upload(&drive, &id, &other, &mut kept).await.unwrap();
    assert_one(&stand_in, &file, &other).await;
    assert_eq!(stand_in.count(Call::Begin), 2);
}

#[tokio::test]
async fn an_upload_whose_session_ended_begins_anew() {
    let stand_in = StandIn::start().await.unwrap();
    let (drive, bytes, mut kept) = (drive(&stand_in), bytes(3 * CHUNK, 6), Kept::default());
    let id = new_id(&drive).await;
    stand_in.plan(Plan::steps(&[Call::Chunk], &[None, Some(Trouble::Expired)]));
    let file = upload(&drive, &id, &bytes, &mut kept).await.unwrap();
    assert_one(&stand_in, &file, &bytes).await;
    assert_eq!(stand_in.count(Call::Begin), 2);

    // Between two processes: the one that was kept is a week old.
    let (impatient, id) = (drive_with(&stand_in, |settings| Settings { tries: 1, ..settings }), new_id(&drive).await);
    assert!(stand_in.delete(file.id.as_str()));
    stand_in.mend();
    stand_in.plan(Plan::steps(&[Call::Chunk], &[None, Some(Trouble::Closed)]));
    upload(&impatient, &id, &bytes, &mut kept).await.unwrap_err();
    stand_in.expire_sessions();
    let file = upload(&drive, &id, &bytes, &mut kept).await.unwrap();
    assert_one(&stand_in, &file, &bytes).await;
}

#[tokio::test]
async fn sessions_that_end_for_ever_are_given_up() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    stand_in.plan(Plan::one_in(1, 0, &[Call::Chunk], &[Trouble::Expired]));
    let lost = upload(&drive, &new_id(&drive).await, b"bytes", &mut Kept::default()).await;
    assert_eq!(lost, Err(Fault::Lost));
    assert_eq!(stand_in.count(Call::Begin), 4);
}

#[tokio::test]
async fn what_was_done_without_an_answer_is_found_done() {
    for call in [Call::Begin, Call::Chunk] {
        let stand_in = StandIn::start().await.unwrap();
        let (drive, bytes) = (drive(&stand_in), bytes(CHUNK, 7));
        stand_in.plan(Plan::steps(&[call], &[Some(Trouble::Unanswered)]));
        let id = new_id(&drive).await;
        let file = upload(&drive, &id, &bytes, &mut Kept::default()).await.unwrap();
        assert_one(&stand_in, &file, &bytes).await;

        // And the caller died before it wrote that down.
        let again = upload(&drive, &id, &bytes, &mut Kept::default()).await.unwrap();
        assert_eq!(again, file);
        assert_one(&stand_in, &again, &bytes).await;
    }
}

#[tokio::test]
async fn of_two_who_upload_one_file_at_once_one_does() {
    let stand_in = StandIn::start().await.unwrap();
    let id = new_id(&drive(&stand_in)).await;
    let racing = (0..4_u64).map(|number| {
        let (drive, id) = (drive(&stand_in), id.clone());
        async move { upload(&drive, &id, &bytes(2 * CHUNK, 10 + number), &mut Kept::default()).await.unwrap() }
    });
    let files = racing.collect::<JoinSet<_>>().join_all().await;
    assert!(files.iter().all(|file| *file == files[0]), "all are told the same");
    assert_eq!(stand_in.files().len(), 1);
}

#[tokio::test]
async fn without_an_id_of_its_own_a_file_is_there_twice() {
    // The control of the two tests above: what a lost answer does to who lets Drive choose the id.
    let stand_in = StandIn::start().await.unwrap();
    stand_in.plan(Plan::steps(&[Call::Multipart], &[Some(Trouble::Unanswered)]));
    let outbound = Outbound::new(Duration::from_secs(10));
    let client = outbound.client().unwrap();
    let url = format!("{}/upload/drive/v3/files?uploadType=multipart&supportsAllDrives=true", stand_in.address());
    let body = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{{\"name\":\"n\",\"parents\":[\"{SHARED_DRIVE}\"]}}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    );
    let request = client
        .post(url)
        .bearer_auth(stand_in.token())
        .header("content-type", "multipart/related; boundary=b")
        .body(body);
    let reply = outbound.send(request.build().unwrap(), outbound::Fault::is_of_transport).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(stand_in.files().iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["n", "n"]);
}

#[tokio::test]
async fn a_document_is_made_once() {
    let stand_in = StandIn::start().await.unwrap();
    let (drive, folder) = (drive(&stand_in), folder());
    let id = new_id(&drive).await;
    let new = NewFile { id: &id, name: "7123456789012345678.json", media_type: "application/json", folder: &folder };
    stand_in.plan(Plan::steps(&[Call::Multipart], &[Some(Trouble::status(503)), Some(Trouble::Unanswered)]));
    let made = drive.create_document(&new, br#"{"desc": "caf\u00e9"}"#).await.unwrap();
    assert_eq!(drive.create_document(&new, b"{}").await.unwrap(), made, "what is there stays");
    let files = stand_in.files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].text.as_deref(), Some(r#"{"desc": "caf\u00e9"}"#));
    assert_eq!(drive.create_document(&new, &vec![b' '; 5_000_001]).await, Err(Fault::TooLarge(5_000_000)));
}

#[tokio::test]
async fn what_drive_stores_wrongly_is_not_taken_for_the_file() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    stand_in.plan(Plan::steps(&[Call::Chunk], &[Some(Trouble::Corrupted)]));
    let id = new_id(&drive).await;
    assert_eq!(upload(&drive, &id, b"bytes", &mut Kept::default()).await, Err(Fault::Corrupt));
    assert!(stand_in.files()[0].trashed);
}

#[tokio::test]
async fn an_id_whose_file_was_deleted_is_spent() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    let id = new_id(&drive).await;
    upload(&drive, &id, b"bytes", &mut Kept::default()).await.unwrap();
    assert!(stand_in.delete(id.as_str()));
    assert_eq!(upload(&drive, &id, b"bytes", &mut Kept::default()).await, Err(Fault::Spent));
}

#[tokio::test]
async fn what_drive_refuses_for_good_is_told_at_once() {
    for (call, trouble, fault) in [
        (Call::Begin, Trouble::forbidden("storageQuotaExceeded"), Fault::Full("storageQuotaExceeded")),
        (Call::Chunk, Trouble::forbidden("storageQuotaExceeded"), Fault::Full("storageQuotaExceeded")),
        (Call::Begin, Trouble::forbidden("insufficientFilePermissions"), Fault::Denied("insufficientFilePermissions")),
        (Call::Begin, Trouble::status(404), Fault::Missing),
        (Call::Begin, Trouble::status(400), Fault::Refused(400)),
    ] {
        let stand_in = StandIn::start().await.unwrap();
        let drive = drive(&stand_in);
        stand_in.plan(Plan::one_in(1, 0, &[call], &[trouble]));
        let told = upload(&drive, &new_id(&drive).await, b"bytes", &mut Kept::default()).await;
        assert_eq!((told, stand_in.count(call)), (Err(fault), 1));
        assert!(stand_in.files().is_empty());
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_so_many_times_and_then_told() {
    for (trouble, fault) in [
        (Trouble::status(500), Fault::Down(500)),
        (Trouble::status(503), Fault::Down(503)),
        (Trouble::status(429), Fault::Busy(None)),
        (Trouble::forbidden("rateLimitExceeded"), Fault::Busy(None)),
        (Trouble::Closed, Fault::Transport(outbound::Fault::BrokenOff)),
    ] {
        let stand_in = StandIn::start().await.unwrap();
        let drive = drive_with(&stand_in, |settings| Settings { tries: 3, ..settings });
        stand_in.plan(Plan::one_in(1, 0, &[Call::GenerateIds], &[trouble]));
        assert_eq!((drive.generate_ids(1).await, stand_in.count(Call::GenerateIds)), (Err(fault.clone()), 3));
        assert!(fault.is_transient());
    }
}

#[tokio::test]
async fn a_token_is_renewed_once() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    drive.check().await.unwrap();
    stand_in.revoke_tokens();
    // Many find out at once, and one asks for another.
    let asked = (0..8).map(|_| drive.clone()).map(async |drive| drive.check().await);
    let told = asked.collect::<JoinSet<_>>().join_all().await;
    assert!(told.iter().all(Result::is_ok));
    assert_eq!(stand_in.count(Call::Token), 2);

    stand_in.plan(Plan::one_in(1, 0, &[Call::About], &[Trouble::status(401)]));
    assert_eq!(drive.check().await, Err(Fault::Unauthorised));
    assert_eq!(stand_in.count(Call::Token), 3);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let stand_in = StandIn::start().await.unwrap();
    let account = Arc::new(ServiceAccount::parse(&stand_in.key_file().to_string()).unwrap());
    let (outbound, clock) = (Arc::new(Outbound::new(Duration::from_secs(10))), Clock::fake(Clock::system().now()));
    let settings = Settings::new(stand_in.address());
    let drive = Drive::new(outbound, Credentials::Given(account), settings, clock.clone());
    for (minutes, tokens) in [(0, 1), (57, 1)] {
        clock.advance(Duration::from_mins(minutes));
        drive.check().await.unwrap();
        assert_eq!(stand_in.count(Call::Token), tokens, "after {minutes} minutes");
    }
    // By now an assertion of that clock is one of the future, which the stand-in refuses: it was asked.
    clock.advance(Duration::from_mins(1));
    assert_eq!(drive.check().await, Err(Fault::Unauthorised));
    assert_eq!(stand_in.count(Call::Token), 2);
}

#[tokio::test]
async fn another_key_is_not_taken() {
    let stand_in = StandIn::start().await.unwrap();
    let mut file = stand_in.key_file();
    file["private_key_id"] = "another".into();
    let account = Arc::new(ServiceAccount::parse(&file.to_string()).unwrap());
    let outbound = Arc::new(Outbound::new(Duration::from_secs(10)));
    let settings = Settings::new(stand_in.address());
    let drive = Drive::new(outbound, Credentials::Given(account), settings, Clock::system());
    assert_eq!(drive.check().await, Err(Fault::Unauthorised));
    assert_eq!(stand_in.count(Call::About), 0);
}

#[tokio::test]
async fn an_upload_ends_with_its_time() {
    let stand_in = StandIn::start().await.unwrap();
    let limit = Duration::from_millis(300);
    let drive = drive_with(&stand_in, |settings| Settings { upload_limit: limit, tries: u32::MAX, ..settings });
    let id = new_id(&drive).await;
    stand_in.plan(Plan::one_in(1, 0, &[Call::Chunk, Call::Question], &[Trouble::status(503)]));
    let told = upload(&drive, &id, b"bytes", &mut Kept::default()).await;
    assert!(matches!(told, Err(Fault::Down(503) | Fault::OutOfTime(_))), "{told:?}");
    assert!(stand_in.files().is_empty());
}

/// A file on disk, as far as an upload knows: it counts what is read and was not yet asked to be sent.
struct Metered {
    inner: Cursor<Vec<u8>>,
    /// Bytes read since the last seek: an upload seeks before each chunk.
    since_seek: u64,
    most: Arc<AtomicU64>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let told = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.since_seek += (buffer.filled().len() - before) as u64;
        self.most.fetch_max(self.since_seek, Ordering::Relaxed);
        told
    }
}

impl AsyncSeek for Metered {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> std::io::Result<()> {
        self.since_seek = 0;
        Pin::new(&mut self.inner).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<u64>> {
        Pin::new(&mut self.inner).poll_complete(cx)
    }
}

#[tokio::test]
async fn no_more_than_a_chunk_is_in_memory() {
    let stand_in = StandIn::start().await.unwrap();
    let drive = drive(&stand_in);
    let most = Arc::new(AtomicU64::new(0));
    let metered = Metered { inner: Cursor::new(bytes(20 * MIB, 8)), since_seek: 0, most: Arc::clone(&most) };
    let mut content = Content::measure(metered).await.unwrap();
    most.store(0, Ordering::Relaxed);
    stand_in.plan(Plan::one_in(3, 9, &[Call::Chunk], &[Trouble::Cut]));
    let id = new_id(&drive).await;
    drive.upload(&video(&id, &folder()), &mut content, None, &mut Kept::default()).await.unwrap();
    assert_eq!(most.load(Ordering::Relaxed), CHUNK as u64);
}
