//! What an `EventSource` makes of a stream (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), and what it remembers of it when its
//! connection is lost.

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is to be gone on from.
    pub id: String,
    /// What it says.
    pub data: String,
}

/// A reader of streams.
#[derive(Clone, Debug, Default)]
pub struct EventSource {
    /// The id that it comes again with.
    pub last_event_id: Option<String>,
    /// After how many milliseconds it comes again.
    pub retry: Option<u64>,
    /// How many comments it has read.
    pub comments: usize,
    line: Vec<u8>,
    id: Option<String>,
    data: Option<String>,
}

impl EventSource {
    /// Reads some bytes, and gives the events that they end.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                events.extend(self.end_line(&line));
            } else {
                self.line.push(*byte);
            }
        }
        events
    }

    /// The connection is lost: what has begun counts for nothing.
    pub fn lose(&mut self) {
        self.line.clear();
        self.data = None;
        self.id.clone_from(&self.last_event_id);
    }

    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            self.last_event_id.clone_from(&self.id);
            let data = self.data.take()?;
            return Some(Event { id: self.last_event_id.clone().unwrap_or_default(), data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments += 1,
            "id" => self.id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok(),
            "data" => match &mut self.data {
                Some(data) => *data = format!("{data}\n{value}"),
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_ended_when_the_connection_was_lost_comes_again() {
        let mut source = EventSource::default();
        assert!(source.read(b"retry: 1000\nid: 0-0\n\n").is_empty());
        assert_eq!((source.last_event_id.as_deref(), source.retry), (Some("0-0"), Some(1_000)));
        let events = source.read(b": x\nid: 1-1\ndata: a\ndata: b\n\nid: 1-2\ndata: c\n");
        assert_eq!(events, [Event { id: "1-1".to_owned(), data: "a\nb".to_owned() }]);
        source.lose();
        assert_eq!((source.last_event_id.as_deref(), source.comments), (Some("1-1"), 1));
        let events = source.read(b"id: 1-2\ndata: c\n\n");
        assert_eq!(events, [Event { id: "1-2".to_owned(), data: "c".to_owned() }]);
    }
}
