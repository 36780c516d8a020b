//! What goes wrong, and when: a test says so before.

use serde::{Deserialize, Serialize};

/// What may be asked of Drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// An assertion for an access token.
    Token,
    /// `about.get`
    About,
    /// `files.generateIds`
    GenerateIds,
    /// `files.list`
    List,
    /// `files.get`
    Get,
    /// `files.create` without content, as of a folder.
    Create,
    /// `files.create` with its content in the same request.
    Multipart,
    /// The begin of a resumable upload.
    Begin,
    /// A part of one.
    Chunk,
    /// What a resumable upload has.
    Question,
    /// `files.update` of what is known of a file.
    Update,
    /// `files.delete`
    Delete,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "trouble")]
pub enum Trouble {
    /// It is refused, and nothing is done.
    Refused {
        /// The status.
        status: u16,
        /// The reason in its body.
        reason: String,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The connection closes, and nothing is done.
    Closed,
    /// The connection closes in the middle of a chunk, of which some bytes are kept.
    Cut,
    /// Only some bytes of a chunk are kept, and the answer says so.
    Partial,
    /// It is done, and the connection closes without an answer.
    Unanswered,
    /// The upload's session is no more.
    Expired,
    /// Of a file that this request completes, something else is stored than was sent.
    Corrupted,
}

impl Trouble {
    /// A status, with the reason that usually comes with it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let reason = match status {
            401 => "authError",
            404 => "notFound",
            429 => "rateLimitExceeded",
            500.. => "backendError",
            _ => "badRequest",
        };
        Self::Refused { status, reason: reason.to_owned(), retry_after: None }
    }

    /// A 403 for this reason.
    #[must_use]
    pub fn forbidden(reason: &str) -> Self {
        Self::Refused { status: 403, reason: reason.to_owned(), retry_after: None }
    }
}

/// When something goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// With the first request, with the second, and so on: then never more.
    Steps(Vec<Option<Trouble>>),
    /// With one request in so many, at random: one of these.
    OneIn {
        /// How many.
        calls: u32,
        /// The seed: the same requests in the same order have the same trouble.
        seed: u64,
        /// Of these one each.
        troubles: Vec<Trouble>,
    },
}

/// What goes wrong with which requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Only requests about this folder and what is in it, at any depth; without one, all requests. So tests of one stand-in do not meet.
    pub within: Option<String>,
    /// Only these calls; if none is named, all.
    pub on: Vec<Call>,
    /// When.
    pub way: Way,
}

impl Plan {
    /// Trouble with the first of these calls, the second, and so on.
    #[must_use]
    pub fn steps(on: &[Call], steps: &[Option<Trouble>]) -> Self {
        Self { within: None, on: on.to_vec(), way: Way::Steps(steps.to_vec()) }
    }

    /// Trouble with one in so many of these calls.
    #[must_use]
    pub fn one_in(calls: u32, seed: u64, on: &[Call], troubles: &[Trouble]) -> Self {
        Self { within: None, on: on.to_vec(), way: Way::OneIn { calls, seed, troubles: troubles.to_vec() } }
    }
}

/// A plan, and how far it is.
pub(crate) struct Running {
    plan: Plan,
    met: usize,
    random: fastrand::Rng,
}

impl Running {
    pub(crate) fn new(plan: Plan) -> Self {
        let seed = match plan.way {
            Way::OneIn { seed, .. } => seed,
            Way::Steps(_) => 0,
        };
        Self { plan, met: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// What goes wrong with this request, which is about something in these folders.
    pub(crate) fn next(&mut self, call: Call, folders: &[String]) -> Option<Trouble> {
        let is_within = self.plan.within.as_ref().is_none_or(|within| folders.contains(within));
        if !is_within || !(self.plan.on.is_empty() || self.plan.on.contains(&call)) {
            return None;
        }
        self.met += 1;
        match &self.plan.way {
            Way::Steps(steps) => steps.get(self.met - 1).cloned().flatten(),
            Way::OneIn { calls, troubles, .. } => {
                let is_hit = self.random.u32(0..(*calls).max(1)) == 0;
                // Drawn each time, so that what comes later depends on the number of requests alone.
                let which = self.random.usize(0..troubles.len().max(1));
                if is_hit { troubles.get(which).cloned() } else { None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_order_and_end() {
        let steps = [Some(Trouble::Closed), None, Some(Trouble::status(503))];
        let mut plan = Running::new(Plan::steps(&[Call::Chunk], &steps));
        assert_eq!(plan.next(Call::Begin, &[]), None);
        let met: Vec<_> = (0..5).map(|_| plan.next(Call::Chunk, &[])).collect();
        assert_eq!(met, [steps[0].clone(), None, steps[2].clone(), None, None]);
    }

    #[test]
    fn one_in_ten_is_the_same_with_the_same_seed_and_only_within_its_folder() {
        let run = |seed| {
            let plan = Plan {
                within: Some("a".to_owned()),
                ..Plan::one_in(10, seed, &[], &[Trouble::Closed, Trouble::Unanswered])
            };
            let mut plan = Running::new(plan);
            assert!((0..100).all(|_| plan.next(Call::Get, &["b".to_owned()]).is_none()));
            (0..1_000).map(|_| plan.next(Call::Get, &["b".to_owned(), "a".to_owned()])).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).iter().flatten().count();
        assert!((50..=150).contains(&hits), "{hits}");
    }
}
