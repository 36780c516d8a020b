//! The keys of the table `webhooks`.

use table::{Condition, Key, Millis};
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::line::Line;

const ENDPOINT_PREFIX: &str = "ENDPOINT#";
const DELIVERY_PREFIX: &str = "DELIVERY#";

/// The key of a user's endpoint.
#[must_use]
pub fn endpoint_key(user: &str, endpoint: Uuid) -> Key {
    Key::new(partition(user), format!("{ENDPOINT_PREFIX}{endpoint}"))
}

/// The key of the item that counts a user's endpoints.
pub(crate) fn count_key(user: &str) -> Key {
    Key::new(partition(user), "ENDPOINTS")
}

/// The key of the item that has a user's places.
pub(crate) fn places_key(user: &str) -> Key {
    Key::new(partition(user), "PLACES")
}

/// The key of a delivery's place in a line: a test before all others, and those by when they were made.
pub(crate) fn line_place(line: Line, delivery: &Delivery) -> Key {
    let made = if delivery.is_test() { 0 } else { delivery.created_at.0 };
    Key::new(delivery.key.pk.clone(), format!("{}{made:013}#{}", line_prefix(line), delivery.id))
}

/// All who stand in a line.
pub(crate) fn line_of(user: &str, line: Line) -> Condition {
    within(user, line_prefix(line))
}

const fn line_prefix(line: Line) -> &'static str {
    match line {
        Line::Well => "LINE#WELL#",
        Line::Failing => "LINE#FAILING#",
    }
}

/// All endpoints of a user.
pub(crate) fn endpoints_of(user: &str) -> Condition {
    within(user, ENDPOINT_PREFIX)
}

pub(crate) fn delivery_key(user: &str, endpoint: Uuid, delivery: &str) -> Key {
    Key::new(partition(user), format!("{DELIVERY_PREFIX}{endpoint}#{delivery}"))
}

/// The key of the endpoint that a delivery's key names; none if it is no delivery's.
pub(crate) fn endpoint_of_delivery(delivery: &Key) -> Option<Key> {
    let (endpoint, _) = delivery.sk.strip_prefix(DELIVERY_PREFIX)?.split_once('#')?;
    Some(Key::new(delivery.pk.clone(), format!("{ENDPOINT_PREFIX}{endpoint}")))
}

/// The key of an attempt: its place among those of its endpoint is its moment, then its delivery and its number.
pub(crate) fn attempt_key(user: &str, endpoint: Uuid, place: &str) -> Key {
    Key::new(partition(user), format!("{}{place}", attempts_prefix(endpoint)))
}

pub(crate) fn attempt_place(at: Millis, delivery: &str, number: u64) -> String {
    format!("{:013}#{delivery}#{number}", at.0)
}

/// Whether a text can be a place: nothing that [`attempt_place`] never makes, and nothing that sorts past all of them.
pub(crate) fn is_attempt_place(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'#';
    (1..=100).contains(&text.len()) && text.bytes().all(fits)
}

/// All attempts of an endpoint.
pub(crate) fn attempts_of(user: &str, endpoint: Uuid) -> Condition {
    within(user, &attempts_prefix(endpoint))
}

fn attempts_prefix(endpoint: Uuid) -> String {
    format!("ATTEMPT#{endpoint}#")
}

/// What of a user's partition begins with `prefix`.
fn within(user: &str, prefix: &str) -> Condition {
    let range = Condition::Between("sk", prefix.into(), format!("{prefix}~").into());
    Condition::All(vec![Condition::equal("pk", partition(user)), range])
}

fn partition(user: &str) -> String {
    format!("USER#{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deliverys_key_names_its_endpoint() {
        let id = Uuid::from_u128(7);
        assert_eq!(endpoint_of_delivery(&delivery_key("u", id, "msg_1")), Some(endpoint_key("u", id)));
        assert_eq!(endpoint_of_delivery(&endpoint_key("u", id)), None);
        assert_eq!(endpoint_of_delivery(&Key::new("USER#u", "DELIVERY#")), None);
    }

    #[test]
    fn places_sort_by_time_and_nothing_else_is_one() {
        let place = attempt_place(Millis(1_705_314_600_123), "msg_0a", 3);
        assert_eq!(place, "1705314600123#msg_0a#3");
        assert!(is_attempt_place(&place) && attempt_place(Millis(5), "msg_z", 1) < place);
        for wrong in ["", "~", "1\u{0}", "1705314600123 ", "\u{e9}", &"1".repeat(101)] {
            assert!(!is_attempt_place(wrong), "{wrong}");
        }
    }
}
