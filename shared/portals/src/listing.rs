//! Pages of users and of accounts, by the index `listed`: it names them, and they are shown as they are.

use serde::Serialize;
use serde::de::DeserializeOwned;
use table::{AttributeValue, Condition, Item, Key, Query, Table, TableError, cursor};

/// A page.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}

/// Where an item is listed; flatten it into what is stored.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) listed_by: &'static str,
    pub(crate) listed_as: String,
}

/// A page of what is listed so, after `after`: only what is listed as something that begins with `prefix`. None if `after` is no cursor of this list.
pub(crate) async fn page<T: DeserializeOwned>(
    table: &Table,
    listed_by: &'static str,
    prefix: &str,
    limit: u32,
    after: Option<&str>,
) -> Result<Option<Listing<T>>, TableError> {
    let after: Option<(Key, String)> = match after.map(cursor::read) {
        Some(None) => return Ok(None),
        position => position.flatten(),
    };
    if after.as_ref().is_some_and(|(_, listed_as)| !listed_as.starts_with(prefix)) {
        return Ok(None);
    }
    let mut of = vec![Condition::equal("listed_by", listed_by)];
    if !prefix.is_empty() {
        of.push(Condition::Between("listed_as", prefix.into(), format!("{prefix}\u{10ffff}").into()));
    }
    let start = after.map(|(key, listed_as)| {
        let mut start = key.into_item();
        start.insert("listed_by".to_owned(), AttributeValue::S(listed_by.to_owned()));
        start.insert("listed_as".to_owned(), AttributeValue::S(listed_as));
        start
    });
    let page = table.query::<Key>(Query::new(Condition::All(of)).index("listed").limit(limit).start(start)).await?;
    let next = page.next.and_then(|last| cursor::write(&position(&last)?));
    // The index may be some moments old: what it names is shown as it is.
    let items = if page.items.is_empty() { Vec::new() } else { table.get_many(&page.items).await? };
    Ok(Some(Listing { items, next }))
}

fn position(last: &Item) -> Option<(Key, String)> {
    let text = |name: &str| last.get(name)?.as_s().ok().cloned();
    Some((Key::new(text("pk")?, text("sk")?), text("listed_as")?))
}
