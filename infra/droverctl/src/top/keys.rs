//! Keys that are pressed.

use std::io::{Read, stdin};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// How many keys may wait: whoever presses more has pressed enough.
const WAITING: usize = 16;

/// What is read from the terminal, by a thread of its own: reading one waits, and nothing may wait for it. The thread ends with the command.
pub(super) struct Keys(Receiver<u8>);

impl Keys {
    pub(super) fn listen() -> Self {
        let (sender, receiver) = channel(WAITING);
        thread::spawn(move || {
            for byte in stdin().lock().bytes() {
                let Ok(byte) = byte else { return };
                if sender.blocking_send(byte).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Waits for a key; whether it is one that ends it. A terminal that is gone ends it too.
    pub(super) async fn ended(&mut self) -> bool {
        self.0.recv().await.is_none_or(ends)
    }
}

/// `q`, Ctrl-C and Ctrl-D.
const fn ends(key: u8) -> bool {
    matches!(key, b'q' | b'Q' | 0x03 | 0x04)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_keys_end_it() {
        for (key, expected) in
            [(b'q', true), (b'Q', true), (3, true), (4, true), (b'x', false), (b'\r', false), (0x1b, false)]
        {
            assert_eq!(ends(key), expected, "{key}");
        }
    }
}
