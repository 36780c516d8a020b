//! Dead letters that wait for somebody.

use jobs::DeadLetter;
use operations::QUEUES;

use crate::deployment::Deployment;

use super::finding::{About, Finding};

/// How many letters of a queue are looked at: more than anybody would redrive by hand.
const LOOKED_AT: u32 = 100;

pub(super) async fn look(deployment: &Deployment) -> Vec<Finding> {
    let operations = match Box::pin(deployment.operations()).await {
        Ok(operations) => operations,
        Err(error) => {
            let about = About::new("letters", &deployment.stack);
            return vec![
                about.warning(format!("dead letters could not be looked at: {error:#}"), "see what is said of queues"),
            ];
        }
    };
    let mut findings = Vec::new();
    for queue in QUEUES {
        let about = About::new("letters", queue);
        findings.push(match operations.letters(Some(queue), None, LOOKED_AT).await {
            Ok(page) => judge(&about, queue, &page.letters, page.next.is_some()),
            Err(error) => about.warning(
                format!("dead letters could not be looked at: {error}"),
                "see what is said of the table of events",
            ),
        });
    }
    findings
}

fn judge(about: &About, queue: &str, letters: &[DeadLetter], are_more: bool) -> Finding {
    let mut waiting = letters.iter().filter(|letter| letter.redriven_at.is_none());
    let Some(newest) = waiting.next() else { return about.ok("none waits") };
    let count = 1 + waiting.count();
    let more = if are_more { " or more" } else { "" };
    about.warning(
        format!("{count}{more} wait, the newest since {}: {}", newest.sent_at, newest.verdict),
        format!("droverctl dead-letters list --queue {queue}; find out why, then redrive or purge them"),
    )
}

#[cfg(test)]
mod tests {
    use table::Millis;

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn letters_wait_that_were_not_redriven() {
        let letter = |id: &str, redriven_at| DeadLetter {
            queue: "extract".to_owned(),
            message_id: id.to_owned(),
            body: String::new(),
            sent_at: Millis(0),
            verdict: "the task was failed".to_owned(),
            redriven_at,
        };
        let about = About::new("letters", "extract");
        let (waits, redriven) = (letter("a", None), letter("b", Some(Millis(1))));
        for (letters, are_more, verdict, word) in [
            (vec![], false, Verdict::Ok, "none waits"),
            (vec![redriven.clone()], false, Verdict::Ok, "none waits"),
            (vec![redriven, waits.clone()], false, Verdict::Warning, "1 wait"),
            (vec![waits.clone(), waits], true, Verdict::Warning, "2 or more wait"),
        ] {
            let finding = judge(&about, "extract", &letters, are_more);
            assert!(finding.verdict == verdict && finding.why.contains(word), "{finding:?}");
        }
    }
}
