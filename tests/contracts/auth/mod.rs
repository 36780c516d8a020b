//! `/auth/…`: signing in and out, and who is signed in.

mod browser;
mod first;
mod google;
mod logout;
mod me;
mod refused;
mod rotation;
