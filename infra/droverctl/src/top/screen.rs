//! The terminal, as long as it is drawn on.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::panic::{set_hook, take_hook};
use std::process::exit;
use std::thread;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};
use nix::sys::signal::{SigSet, Signal};

/// A screen of our own, which is put away when this is dropped: what was on the terminal is there again.
pub(super) struct Screen {
    /// Whether nothing is coloured: the cursor moves all the same.
    is_plain: bool,
}

/// Whether there is a terminal to draw on and to read keys from.
pub(super) fn is_there() -> bool {
    stdin().is_terminal() && stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How wide and how high it is now.
pub(super) fn size() -> Option<(u16, u16)> {
    terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0)
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        // What a panic says is read on the terminal, not on a screen that is gone a moment later.
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            put_away();
            told(panic);
        }));
        // From here on it is put away, also if this fails.
        let screen = Self { is_plain: anstream::AutoStream::choice(&stdout()) == anstream::ColorChoice::Never };
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws lines, in place of what was there: without clearing first, so that nothing flickers.
    pub(super) fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut out = stdout().lock();
        for (row, line) in (0..).zip(lines) {
            queue!(out, MoveTo(0, row))?;
            let line = if self.is_plain { anstream::adapter::strip_str(line).to_string() } else { line.clone() };
            out.write_all(line.as_bytes())?;
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_away();
    }
}

/// Shows the terminal as it was. Once more does nothing more.
fn put_away() {
    // Nothing more can be done where this fails.
    let _ = execute!(stdout(), Show, LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

/// Has the terminal put right also where a signal ends the command. Called before there is another thread: all are to leave these signals to the one that
/// is started here.
pub(crate) fn mind_signals() {
    let mut ends = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        ends.add(signal);
    }
    // Where they cannot be kept back, they end the command as they always did.
    if ends.thread_block().is_ok() {
        thread::spawn(move || {
            if let Ok(signal) = ends.wait() {
                if terminal::is_raw_mode_enabled().unwrap_or(false) {
                    put_away();
                }
                // As a shell tells of who was ended so.
                exit(128 + signal as i32);
            }
        });
    }
}
