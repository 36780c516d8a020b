//! Knows how to run a program of others' making so that nothing of it is left: its processes end with their owner ([`Group`]), its files with
//! theirs, also where the owner was killed ([`Scratch`]), and what it says is bounded ([`Lines`]). Knows nothing of the program.

mod group;
mod lines;
mod scratch;

pub use group::Group;
pub use lines::Lines;
pub use scratch::Scratch;
