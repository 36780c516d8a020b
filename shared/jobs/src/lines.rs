//! Log lines of a job that are not written yet: they go with its next step.

use table::{Clock, Millis};

use crate::log::{Level, Line};

/// Lines for the job's owner, to be written with its next step.
#[derive(Debug)]
pub struct Lines {
    clock: Clock,
    lines: Vec<Line>,
}

impl Lines {
    /// None yet.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock, lines: Vec::new() }
    }

    /// The time, as lines have it.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds a line of a step of the work, of now.
    pub fn say(&mut self, level: Level, step: &str, message: impl Into<String>) {
        self.add(Line::new(self.clock.now(), level, step, message));
    }

    /// All lines, with this one last.
    #[must_use]
    pub fn with(mut self, level: Level, step: &str, message: impl Into<String>) -> Vec<Line> {
        self.say(level, step, message);
        self.lines
    }

    /// Takes the lines there are, to be written.
    pub fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }
}
