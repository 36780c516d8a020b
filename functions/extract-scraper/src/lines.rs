//! Log lines of a task that are not written yet.

use jobs::{Level, Line};
use table::{Clock, Millis};

/// Lines for the task's owner, to be written with its next step.
pub(crate) struct Lines {
    clock: Clock,
    lines: Vec<Line>,
}

impl Lines {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, lines: Vec::new() }
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(crate) fn say(&mut self, level: Level, step: &str, message: impl Into<String>) {
        self.add(Line::new(self.clock.now(), level, step, message));
    }

    /// All lines, with this one last.
    pub(crate) fn with(mut self, level: Level, step: &str, message: impl Into<String>) -> Vec<Line> {
        self.say(level, step, message);
        self.lines
    }

    pub(crate) fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }
}
