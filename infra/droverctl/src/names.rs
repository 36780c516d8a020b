//! How things are named on the command line.

use std::str::FromStr;

use clap::ValueEnum;
use jobs::Status;
use operations::Kind;
use uuid::Uuid;

/// A kind of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindName {
    /// The extraction cloud's tasks
    Extract,
    /// Portal jobs
    Portal,
    /// Video jobs
    Video,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Extract => Self::Extract,
            KindName::Portal => Self::Portal,
            KindName::Video => Self::Video,
        }
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusName {
    /// Waits for a worker
    Pending,
    /// A worker is at it
    Running,
    /// Ended well
    Completed,
    /// Ended badly
    Failed,
    /// Ended by somebody
    Cancelled,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Pending => Self::Pending,
            StatusName::Running => Self::Running,
            StatusName::Completed => Self::Completed,
            StatusName::Failed => Self::Failed,
            StatusName::Cancelled => Self::Cancelled,
        }
    }
}

/// A job or a schedule, by its id alone or by its whole name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Wherever it lies.
    Id(Uuid),
    /// `KIND/TENANT/ID`.
    Whole {
        /// Its kind, as it was written.
        kind: String,
        /// Whose it is.
        tenant: String,
        /// Its id.
        id: Uuid,
    },
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let none = || "an id is a UUID, as `list` tells it; a whole name is KIND/TENANT/ID".to_owned();
        let id = |text: &str| text.parse().map_err(|_| none());
        // A tenant may have a slash in its name.
        match (text.split_once('/'), text.rsplit_once('/')) {
            (Some((kind, _)), Some((before, last))) => {
                let tenant = before.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
                let tenant = tenant.filter(|tenant| !tenant.is_empty()).ok_or_else(none)?;
                Ok(Self::Whole { kind: kind.to_owned(), tenant: tenant.to_owned(), id: id(last)? })
            }
            _ => Ok(Self::Id(id(text)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_named_by_its_id_or_whole() {
        let id = Uuid::from_u128(7);
        let whole = |tenant: &str| Ok(Reference::Whole { kind: "extract".to_owned(), tenant: tenant.to_owned(), id });
        assert_eq!(id.to_string().parse(), Ok(Reference::Id(id)));
        assert_eq!(format!("extract/u/{id}").parse(), whole("u"));
        assert_eq!(format!("extract/a/b/{id}").parse(), whole("a/b"));
        for wrong in ["", "x", "extract/u", "extract//", "extract/u/7", "/"] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
        assert!(format!("extract/{id}").parse::<Reference>().is_err());
    }
}
