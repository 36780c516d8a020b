//! What the attributes of minutes are called: short, since an item of ten minutes must not be larger than a unit.

/// What happens to what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// It was made.
    Submitted,
    /// Somebody has taken it.
    Claimed,
    /// It ended well, or was reported as working.
    Completed,
    /// It ended badly, or was reported as not working.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl Event {
    pub(crate) const ALL: [Self; 5] = [Self::Submitted, Self::Claimed, Self::Completed, Self::Failed, Self::Cancelled];

    /// The attributes that count it in each of ten minutes.
    pub(crate) const fn names(self) -> [&'static str; 10] {
        match self {
            Self::Submitted => ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"],
            Self::Claimed => ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"],
            Self::Completed => ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9"],
            Self::Failed => ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"],
            Self::Cancelled => ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"],
        }
    }
}

/// The attributes that count those that wait since each minute of an hour.
pub(crate) const SINCE: [&str; 60] = [
    "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12", "m13", "m14", "m15", "m16", "m17",
    "m18", "m19", "m20", "m21", "m22", "m23", "m24", "m25", "m26", "m27", "m28", "m29", "m30", "m31", "m32", "m33",
    "m34", "m35", "m36", "m37", "m38", "m39", "m40", "m41", "m42", "m43", "m44", "m45", "m46", "m47", "m48", "m49",
    "m50", "m51", "m52", "m53", "m54", "m55", "m56", "m57", "m58", "m59",
];
