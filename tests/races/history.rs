//! What happened in a run, as its participants saw it.

/// A moment of a run: nanoseconds since it began.
pub(crate) type Moment = u64;

/// One call of one participant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Who called.
    pub(crate) who: usize,
    /// Which item it was about.
    pub(crate) item: usize,
    /// When it called.
    pub(crate) called: Moment,
    /// When it had the answer.
    pub(crate) answered: Moment,
    /// What it asked, and was told.
    pub(crate) what: What,
}

/// A call and its verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A claim that was granted: the token, and until when.
    Granted { token: u64, until: Moment },
    /// A claim that was refused.
    Refused,
    /// A renewal of the token's lease.
    Renewed { token: u64, until: Moment, accepted: bool },
    /// A write that only the token's holder may make.
    Wrote { token: u64, accepted: bool },
    /// The token's lease was given back.
    Released { token: u64, accepted: bool },
}
