//! Folders against the stand-in and a real table.

use google_drive_stand_in::{Call, MY_DRIVE, Plan, SHARED_DRIVE, StandIn, Trouble};
use table::cost::metered;
use table::testing::fresh_table;
use tokio::task::JoinSet;

use super::*;
use crate::account::ServiceAccount;
use crate::client::Settings;
use crate::tokens::Credentials;

const NAMES: [&str; 5] = ["TikTok", "profile", "khaby.lame", "2025", "01"];

struct Fixture {
    stand_in: StandIn,
    table: Table,
    clock: Clock,
}

impl Fixture {
    async fn new() -> Self {
        let (stand_in, table) = (StandIn::start().await.unwrap(), fresh_table("folders").await.unwrap());
        Self { stand_in, table, clock: Clock::system() }
    }

    /// As a new process has them.
    fn folders(&self) -> Folders {
        let account = ServiceAccount::parse(&self.stand_in.key_file().to_string()).unwrap();
        let outbound = Arc::new(outbound::Outbound::new(Duration::from_secs(10)));
        let settings = Settings { backoff: Duration::from_millis(1), ..Settings::new(self.stand_in.address()) };
        let drive = Drive::new(outbound, Credentials::Given(Arc::new(account)), settings, Clock::system());
        Folders::new(drive, self.table.clone(), self.clock.clone())
    }

    fn paths(&self) -> Vec<String> {
        self.stand_in.files().into_iter().filter(|file| !file.trashed).map(|file| file.path).collect()
    }
}

fn shared_drive() -> FileId {
    FileId::parse(SHARED_DRIVE).unwrap()
}

fn all_paths() -> Vec<String> {
    (1..=NAMES.len()).map(|count| NAMES[..count].join("/")).collect()
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn of_many_who_want_a_folder_at_once_all_get_the_same_one() {
    let fixture = Fixture::new().await;
    fixture.stand_in.plan(Plan::one_in(
        6,
        7,
        // The token endpoint knows no such reasons: there a 403 is for good.
        &[Call::GenerateIds, Call::List, Call::Get, Call::Create],
        &[Trouble::Unanswered, Trouble::Closed, Trouble::status(503), Trouble::forbidden("userRateLimitExceeded")],
    ));
    let asked = (0..16).map(|_| fixture.folders()).map(async |folders| folders.folder(&shared_drive(), &NAMES).await);
    let ids = asked.collect::<JoinSet<_>>().join_all().await;
    let first = ids[0].as_ref().unwrap();
    assert!(ids.iter().all(|id| id.as_ref().unwrap() == first));
    assert_eq!(fixture.paths(), all_paths());
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn without_the_record_two_make_two() {
    // The control of the test above: the same requests, and nothing that says which folder it is to be.
    let fixture = Fixture::new().await;
    let ids = [fixture.folders(), fixture.folders()].into_iter().map(async |folders| {
        let id = folders.drive.generate_ids(1).await.unwrap().remove(0);
        folders.drive.create_folder(&id, "TikTok", &shared_drive()).await.unwrap();
        id
    });
    let ids = ids.collect::<JoinSet<_>>().join_all().await;
    assert_ne!(ids[0], ids[1]);
    assert_eq!(fixture.paths(), ["TikTok", "TikTok"]);
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn a_folder_is_remembered_by_the_process_and_by_the_table() {
    let fixture = Fixture::new().await;
    let folders = fixture.folders();
    let made = folders.folder(&shared_drive(), &NAMES).await.unwrap();
    let asked = fixture.stand_in.asked().len();
    let (known, cost) = metered(folders.folder(&shared_drive(), &NAMES)).await;
    assert_eq!((known.unwrap(), cost.dynamodb_requests, cost.other_requests), (made.clone(), 0, 0));

    let (found, cost) = metered(fixture.folders().folder(&shared_drive(), &NAMES)).await;
    // A token, and whether the last folder is there.
    assert_eq!((found.unwrap(), cost.dynamodb_requests, cost.other_requests), (made, 5, 2));
    assert_eq!(fixture.stand_in.asked().len(), asked + 2);
    assert_eq!(fixture.paths(), all_paths());
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn a_folder_that_was_there_before_is_taken() {
    let fixture = Fixture::new().await;
    let older = fixture.stand_in.folder("TikTok", MY_DRIVE).unwrap();
    let _ = fixture.stand_in.folder("TikTok", MY_DRIVE).unwrap();
    let root = FileId::parse("root").unwrap();
    assert_eq!(fixture.folders().folder(&root, &["TikTok"]).await.unwrap().as_str(), older);
    assert_eq!(fixture.stand_in.count(Call::Create), 0);
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn a_folder_that_somebody_took_away_is_made_anew() {
    let fixture = Fixture::new().await;
    let before = fixture.folders().folder(&shared_drive(), &NAMES).await.unwrap();
    // One in the middle into the trash, then all of it gone for ever.
    let middle = fixture.stand_in.files()[2].id.clone();
    assert!(fixture.stand_in.trash(&middle));
    let folders = fixture.folders();
    let second = folders.folder(&shared_drive(), &NAMES).await.unwrap();
    assert_ne!(second, before);
    assert_eq!(fixture.paths().len(), 5);

    let first = fixture.stand_in.files()[0].id.clone();
    assert!(fixture.stand_in.delete(&first));
    assert_eq!(folders.folder(&shared_drive(), &NAMES).await.unwrap(), second, "it is believed for a while");
    folders.forget(&shared_drive(), &NAMES);
    assert_ne!(folders.folder(&shared_drive(), &NAMES).await.unwrap(), second);
    assert_eq!(fixture.paths(), all_paths());
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn a_folder_whose_maker_died_is_made_by_the_next() {
    let fixture = Fixture::new().await;
    let folders = fixture.folders();
    fixture.stand_in.plan(Plan::steps(&[Call::Create], &[Some(Trouble::forbidden("insufficientFilePermissions"))]));
    let refused = folders.folder(&shared_drive(), &["TikTok"]).await;
    assert!(matches!(refused, Err(FolderError::Drive(Fault::Denied("insufficientFilePermissions")))));
    fixture.folders().folder(&shared_drive(), &["TikTok"]).await.unwrap();
    assert_eq!(fixture.paths(), ["TikTok"]);
    assert_eq!(fixture.stand_in.count(Call::GenerateIds), 1, "the id that was written down is used");
}

#[tokio::test]
#[ignore = "needs the DynamoDB of a local cloud"]
async fn a_path_begins_in_a_folder_that_is_there_and_has_names() {
    let fixture = Fixture::new().await;
    let folders = fixture.folders();
    let nowhere = FileId::parse("1nobodyHasSharedThisWithUs").unwrap();
    let missing = folders.folder(&nowhere, &["TikTok"]).await;
    assert!(matches!(missing, Err(FolderError::Drive(Fault::Missing))), "{missing:?}");
    let long = "x".repeat(901);
    for names in [&[""][..], &[long.as_str()], &["a", ""]] {
        assert!(matches!(folders.folder(&shared_drive(), names).await, Err(FolderError::Name)));
    }
    // Whatever else a name is, it is a name: to the table, and to a query.
    for name in ["it's", r"\", "a/b", "../..", "FOLDER#x", "日本"] {
        let id = folders.folder(&shared_drive(), &[name]).await.unwrap();
        assert_eq!(fixture.folders().folder(&shared_drive(), &[name]).await.unwrap(), id, "{name}");
    }
    assert_eq!(fixture.stand_in.files().len(), 6);
}
