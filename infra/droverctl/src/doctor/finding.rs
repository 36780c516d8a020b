//! What was found out about a thing.

use serde::Serialize;

use crate::call::{CallFault, Trouble};

/// How a thing is, the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// This cloud cannot tell.
    NotChecked,
    /// It works, and somebody should look at it.
    Warning,
    /// Something does not work, or will not when it is needed.
    Fault,
}

impl Verdict {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// What was found out about a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How it is.
    pub(super) verdict: Verdict,
    /// What kind of thing.
    pub(super) area: &'static str,
    /// Which.
    pub(super) subject: String,
    /// Why it is judged so.
    pub(super) why: String,
    /// How to mend it.
    pub(super) mend: Option<String>,
}

/// A thing that is looked at.
#[derive(Clone, Debug)]
pub(super) struct About {
    area: &'static str,
    subject: String,
}

impl About {
    pub(super) fn new(area: &'static str, subject: impl Into<String>) -> Self {
        Self { area, subject: subject.into() }
    }

    fn finding(&self, verdict: Verdict, why: impl Into<String>, mend: Option<String>) -> Finding {
        Finding { verdict, area: self.area, subject: self.subject.clone(), why: why.into(), mend }
    }

    /// It is as it should be.
    pub(super) fn ok(&self, why: impl Into<String>) -> Finding {
        self.finding(Verdict::Ok, why, None)
    }

    /// This cloud cannot tell.
    pub(super) fn not_checked(&self, why: impl Into<String>) -> Finding {
        self.finding(Verdict::NotChecked, why, None)
    }

    /// It works, and somebody should look at it.
    pub(super) fn warning(&self, why: impl Into<String>, mend: impl Into<String>) -> Finding {
        self.finding(Verdict::Warning, why, Some(mend.into()))
    }

    /// It does not work, or will not when it is needed.
    pub(super) fn fault(&self, why: impl Into<String>, mend: impl Into<String>) -> Finding {
        self.finding(Verdict::Fault, why, Some(mend.into()))
    }

    /// It could not be looked at; `what` is what of it.
    pub(super) fn unseen(&self, what: &str, fault: &CallFault) -> Finding {
        match fault.trouble {
            Trouble::Missing => self.fault(
                format!("{what} is not there, though the stack has it: somebody deleted it"),
                "CloudFormation does not make again what was deleted past it: take it out of template.yaml, `sam deploy`, put it back, `sam deploy`",
            ),
            Trouble::NotKnown => self.not_checked(format!("this cloud does not keep, or not tell, {what}")),
            Trouble::Denied => self.warning(
                format!("these credentials may not look at {what}: {fault}"),
                "docs/operations.md, chapter Permissions, has what droverctl needs",
            ),
            // That it was not looked at in time is no fault of its own.
            Trouble::Unreachable => {
                self.warning(format!("{what} could not be looked at: {fault}"), CallFault::TRY_AGAIN)
            }
            Trouble::Other => self.warning(format!("{what} could not be looked at: {fault}"), "try again"),
        }
    }

    /// What is wrong with it; that it is as it should be, if nothing is.
    pub(super) fn or_ok(&self, wrong: Vec<Finding>, why: impl Into<String>) -> Vec<Finding> {
        if wrong.iter().any(|finding| finding.verdict > Verdict::NotChecked) {
            return wrong;
        }
        std::iter::once(self.ok(why)).chain(wrong).collect()
    }
}
