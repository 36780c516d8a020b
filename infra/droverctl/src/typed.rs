//! Passwords, which nobody sees: neither in a list of processes or of commands, nor on the terminal.

use std::io::{self, BufRead, IsTerminal, Read, Write, stderr, stdin};

use anyhow::Context;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use portals::LONGEST_PASSWORD;

use crate::failure::Failure;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 21;
const DELETE: u8 = 127;

/// The first line of standard input; from a terminal, which shows nothing of it, it is asked for.
pub(crate) fn password() -> anyhow::Result<String> {
    let line = if stdin().is_terminal() { asked_for()? } else { first_line(stdin().lock())? };
    if line.is_empty() || line.chars().count() > LONGEST_PASSWORD {
        let message = format!("give a password of up to {LONGEST_PASSWORD} characters, here or by standard input");
        return Err(Failure::usage(message).next("read -rs P; printf %s \"$P\" | droverctl …").into());
    }
    Ok(line)
}

fn first_line(mut input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line).context("no password was read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn asked_for() -> anyhow::Result<String> {
    // Not among what is answered, which may go to a file.
    eprint!("Password (it is not shown): ");
    stderr().flush()?;
    let line = {
        let _silent = Silent::begin()?;
        typed(stdin().lock().bytes())
    };
    eprintln!();
    line
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silent;

impl Silent {
    fn begin() -> anyhow::Result<Self> {
        enable_raw_mode().context("this terminal shows what is typed: give the password by standard input")?;
        Ok(Self)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing more can be done where this fails.
        let _ = disable_raw_mode();
    }
}

/// The line that keys make.
fn typed(keys: impl Iterator<Item = io::Result<u8>>) -> anyhow::Result<String> {
    let mut line = Vec::new();
    for key in keys {
        match key.context("no password was read")? {
            b'\r' | b'\n' | CTRL_D => break,
            CTRL_C => return Err(Failure::refused("nothing was done").into()),
            CTRL_U => line.clear(),
            // A character may be several bytes: the first of them is no continuation.
            BACKSPACE | DELETE => while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {},
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map_err(|_| Failure::usage("a password is text, in UTF-8").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_line_and_what_is_piped_the_first() {
        for (keys, expected) in [
            ("secret\rmore", Some("secret")),
            ("secret", Some("secret")),
            ("sel\u{7f}cret\r", Some("secret")),
            ("zoë\u{8}e\r", Some("zoe")),
            ("\u{7f}a\r", Some("a")),
            ("wrong\u{15}right\n", Some("right")),
            ("sec\u{3}ret\r", None),
        ] {
            assert_eq!(typed(keys.bytes().map(Ok)).ok().as_deref(), expected, "{keys:?}");
        }
        for (input, expected) in [("secret\r\nmore\n", "secret"), ("secret", "secret"), (" a b \n", " a b "), ("", "")]
        {
            assert_eq!(first_line(input.as_bytes()).unwrap(), expected);
        }
    }
}
