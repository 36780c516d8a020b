//! Parameters and bodies as the document tells them.

use ::input::schema::uuid;

use crate::input::{Callback, NewKeyForm, Profile};

::input::parameters! {
    /// The key of a path.
    pub(crate) ApiKeyPath {
        path "key_id" "The key's id." => uuid(),
    }
}

::input::parameters! {
    /// Which keys.
    pub(crate) ApiKeyQuery {
        query "after" "Those that come after the one with this id." => uuid(),
    }
}

::input::forms! {
    /// What the identity provider sent back.
    pub(crate) CallbackBody of Callback, needs ["code"], example {"code": "4/0AX4XfWh", "state": "random_state_string"};
    /// A change of a profile: a picture of null is taken away.
    pub(crate) ProfileChange of Profile, needs [], example
        {"full_name": "John Doe", "avatar_url": "https://example.com/avatar.jpg"};
    /// A key that is to be made.
    pub(crate) ApiKeyBody of NewKeyForm, needs ["name", "permissions"], example
        {"name": "Production", "description": "For the shop", "permissions": ["tasks:read", "tasks:create"]};
}
