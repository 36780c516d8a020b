//! The contracts, over HTTP; the files mirror the URLs.

mod health;
mod tasks;
