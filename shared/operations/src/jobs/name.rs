//! What a job is called: its kind, its tenant and its id.

use std::fmt;

use serde::Serialize;
use table::Key;
use uuid::Uuid;

use super::kind::Kind;

/// The longest name of a tenant that is read.
const LONGEST_TENANT: usize = 200;

/// What a job is called. Written `extract/USER/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct JobName {
    /// Its kind.
    pub kind: Kind,
    /// Whose it is: the id of a user of the extraction cloud, or of a tenant of the portal or video jobs.
    pub tenant: String,
    /// Its id.
    pub id: Uuid,
}

impl JobName {
    /// The job of this kind, tenant and id; none if no tenant is called so.
    #[must_use]
    pub fn new(kind: Kind, tenant: &str, id: Uuid) -> Option<Self> {
        let fits = (1..=LONGEST_TENANT).contains(&tenant.len()) && !tenant.contains(char::is_control);
        fits.then(|| Self { kind, tenant: tenant.to_owned(), id })
    }

    /// The job of this kind that lies at a key; none if something else does.
    pub(crate) fn at(kind: Kind, key: &Key) -> Option<Self> {
        let tenant = key.pk.strip_prefix(kind.partition_prefix())?;
        let id = key.sk.strip_prefix(kind.job_prefix())?.parse().ok()?;
        Self::new(kind, tenant, id)
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(self.kind.partition(&self.tenant), format!("{}{}", self.kind.job_prefix(), self.id))
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_key_and_of_no_other() {
        let id = Uuid::from_u128(0x018d_0a7c_5f80_7000_8000_0000_0000_0001);
        for (kind, key) in [
            (Kind::Extract, extract::task_key("u", id)),
            (Kind::Portal, portals::job_key("u", id)),
            (Kind::Video, videos::job_key("u", id)),
        ] {
            let name = JobName::at(kind, &key).unwrap();
            assert_eq!((name.kind, name.tenant.as_str(), name.id, name.key()), (kind, "u", id, key));
            assert_eq!(name.to_string(), format!("{}/u/{id}", kind.as_str()));
        }
        for (kind, pk, sk) in [
            (Kind::Extract, "USER#u", "ACCOUNT".to_owned()),
            (Kind::Extract, "TENANT#u", format!("TASK#{id}")),
            (Kind::Extract, "JOIN#1#TASK#x#OF#USER#u", "CHILD#000001".to_owned()),
            (Kind::Video, "TENANT#u", format!("SCHEDULE#{id}")),
            (Kind::Video, "TENANT#u", "JOB#x".to_owned()),
            (Kind::Portal, "USER#u", "USER".to_owned()),
        ] {
            assert_eq!(JobName::at(kind, &Key::new(pk, sk.as_str())), None, "{pk} {sk}");
        }
        for tenant in ["", "a\nb", &"x".repeat(201)] {
            assert_eq!(JobName::new(Kind::Video, tenant, id), None);
        }
    }
}
