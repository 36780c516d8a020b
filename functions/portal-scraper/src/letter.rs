//! The e-mail that tells how a job has ended. Pure.

use mail::Letter;
use portals::PortalJob;

use crate::ending::End;

/// The longest reason that is told, in characters.
const LONGEST_REASON: usize = 1_000;

/// What tells the owner of a job's account how the job ends.
pub(crate) fn letter(job: &PortalJob, end: &End) -> Letter {
    let (id, email, portal) = (job.id, &job.email, job.portal.as_str());
    let (subject, mut text) = match end {
        End::Completed { files, records } => {
            let told = format!("All {records} records of {email} at the portal {portal} were read.\n");
            let files = files.iter().map(|file| {
                let (name, bytes, form) = (&file.name, file.bytes, file.form());
                format!("  {name}, {bytes} bytes: GET /cpcb/queue/job/{id}/download?format={form}")
            });
            let text = [told].into_iter().chain(files).collect::<Vec<_>>();
            (format!("Scrape of {portal} completed"), text)
        }
        End::Failed { reason } => {
            let reason = Letter::quoted(reason, LONGEST_REASON);
            let text = vec![
                format!("The records of {email} at the portal {portal} were not read, and there is no file:\n"),
                format!("  {reason}"),
            ];
            (format!("Scrape of {portal} failed"), text)
        }
    };
    text.push(format!("\n-- \nThe job {id} was started with the account of this address.\n"));
    Letter::new(email, &subject, &text.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jobs::{Job, Policy};
    use portals::{JobFile, Portal, job_key};
    use table::{Key, Millis};
    use uuid::Uuid;

    use super::*;

    fn job() -> PortalJob {
        let policy = Policy::with_lease(Duration::from_mins(1));
        PortalJob {
            key: job_key("acme", Uuid::nil()),
            job: Job::submitted("portal", Millis(0), 0, String::new(), &policy),
            account: Key::new("TENANT#acme", "ACCOUNT"),
            id: Uuid::nil(),
            tenant: "acme".to_owned(),
            portal: Portal::Bwmr,
            email: "user@example.com".to_owned(),
            portal_job: String::new(),
            entity_name: None,
            worker: None,
            message: None,
            files: Vec::new(),
        }
    }

    #[test]
    fn a_letter_says_what_was_read_and_where_it_is() {
        let file = |form: &str, bytes| JobFile {
            name: format!("bwmr-transactions.{form}"),
            key: format!("portals/acme/{}/3.{form}", Uuid::nil()),
            bytes,
        };
        let end = End::Completed { files: vec![file("csv", 900), file("xlsx", 700)], records: 12 };
        let letter = letter(&job(), &end);
        assert_eq!((letter.to(), letter.subject()), ("user@example.com", "Scrape of bwmr completed"));
        assert_eq!(
            letter.text(),
            "All 12 records of user@example.com at the portal bwmr were read.\n\n  \
             bwmr-transactions.csv, 900 bytes: GET /cpcb/queue/job/00000000-0000-0000-0000-000000000000/download?format=csv\n  \
             bwmr-transactions.xlsx, 700 bytes: GET /cpcb/queue/job/00000000-0000-0000-0000-000000000000/download?format=xlsx\n\n-- \n\
             The job 00000000-0000-0000-0000-000000000000 was started with the account of this address.\n"
        );
    }

    #[test]
    fn a_portals_words_stay_within_their_line() {
        let letter = letter(&job(), &End::failed("the portal says: no\r\n\r\nThe file is at https://evil.example/"));
        assert_eq!(letter.subject(), "Scrape of bwmr failed");
        assert!(letter.text().contains("\n  the portal says: no The file is at https://evil.example/\n"), "{letter:?}");
    }
}
