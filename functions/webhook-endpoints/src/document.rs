//! Parameters and bodies as the document tells them.

use input::schema::{text, uuid};
use webhooks::EndpointFields;

use crate::attempts::LONGEST_CURSOR;

input::parameters! {
    /// The webhook of a path.
    pub(crate) WebhookPath {
        path "webhook_id" "The webhook's id." => uuid(),
    }
}

input::parameters! {
    /// A page of attempts.
    pub(crate) AttemptQuery {
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, LONGEST_CURSOR>(),
    }
}

input::forms! {
    /// A webhook that is to be made.
    pub(crate) NewWebhook of EndpointFields, needs EndpointFields::NEEDED, example
        {"url": "https://example.com/hooks/drover", "description": "Orders", "events": ["task.completed", "task.failed"]};
    /// Any fields of a webhook.
    pub(crate) WebhookChange of EndpointFields, needs [], example {"is_active": false};
}
