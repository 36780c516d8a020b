//! The portals.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A portal of the waste registers that jobs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Portal {
    /// Plastic waste.
    Pwmr,
    /// Battery waste.
    Bwmr,
    /// Electronic waste.
    Ewmr,
}

impl Portal {
    /// Every portal.
    pub const ALL: [Self; 3] = [Self::Pwmr, Self::Bwmr, Self::Ewmr];

    /// The portal as it is stored, shown, and named in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pwmr => "pwmr",
            Self::Bwmr => "bwmr",
            Self::Ewmr => "ewmr",
        }
    }

    /// The portal of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|portal| portal.as_str() == name)
    }
}
