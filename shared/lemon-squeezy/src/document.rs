//! Documents of JSON:API: <https://jsonapi.org/format/1.0/>, <https://docs.lemonsqueezy.com/api/getting-started/responses>.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value as Json;

/// A thing with its id. Ids are numbers in texts, except those of checkouts, which are UUIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource<T> {
    /// By which Lemon Squeezy knows it.
    pub id: String,
    /// What it says of it.
    pub attributes: T,
}

impl<T> Resource<T> {
    /// The id as a number, where it is one: all but those of checkouts are.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.id.parse().ok()
    }
}

/// What a resource's type is called.
pub(crate) trait Typed {
    const TYPE: &'static str;
}

/// A resource whose type has not been looked at.
#[derive(Deserialize)]
pub(crate) struct Untyped {
    pub(crate) r#type: String,
    id: String,
    attributes: Json,
}

impl Untyped {
    /// The resource, if its type is `T`'s and it has its attributes.
    pub(crate) fn typed<T: Typed + DeserializeOwned>(self) -> Result<Resource<T>, serde_json::Error> {
        if self.r#type != T::TYPE {
            return Err(serde_json::Error::custom(format!("a resource of another type than {}", T::TYPE)));
        }
        Ok(Resource { id: self.id, attributes: serde_json::from_value(self.attributes)? })
    }
}

/// An answer with one resource.
#[derive(Deserialize)]
pub(crate) struct Document {
    pub(crate) data: Untyped,
}

/// An answer with one page of a list.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) data: Vec<Untyped>,
    pub(crate) meta: ListMeta,
}

#[derive(Deserialize)]
pub(crate) struct ListMeta {
    pub(crate) page: PageMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageMeta {
    pub(crate) last_page: u32,
}
