//! What a program says, line by line, however much that is.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The lines of a stream, each of which has a limit.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    max_bytes: usize,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Of this stream, with at most so many bytes a line.
    pub const fn of(reader: R, max_bytes: usize) -> Self {
        Self { reader, max_bytes }
    }

    /// The next line, without its end; none at the end of all. Of a line that is too long comes its beginning, and true. What is not UTF-8 is
    /// replaced. Dropped before it has come, it takes with it what it had read of the line.
    pub async fn next(&mut self) -> io::Result<Option<(String, bool)>> {
        let (mut line, mut cut) = (Vec::new(), false);
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                let ended = line.is_empty() && !cut;
                return Ok((!ended).then(|| (text(&line), cut)));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let room = self.max_bytes - line.len();
            cut |= part.len() > room;
            line.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some((text(&line), cut)));
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_end_and_are_bounded() {
        let said: &[u8] = b"one\r\n\ntoo long a line\nf\xffur\nlast";
        for buffer in [1, 3, 100] {
            let mut lines = Lines::of(tokio::io::BufReader::with_capacity(buffer, said), 8);
            let mut all = Vec::new();
            while let Some(line) = lines.next().await.unwrap() {
                all.push(line);
            }
            let expected = [("one", false), ("", false), ("too long", true), ("f\u{fffd}ur", false), ("last", false)];
            assert_eq!(all, expected.map(|(line, cut)| (line.to_owned(), cut)), "{buffer}");
        }
    }
}
