//! Old and new versions of the functions side by side over the same tables, as in the middle of a rollout. Run by
//! tests/compatibility/run, which deploys this release over the one before.

mod credentials;
mod rollout;
mod tasks;
