//! Parameters and bodies as the document tells them.

use input::schema::{full_line, one_of, pattern, text, uuid, whole};
use portals::{AccountFields, CredentialFields, LONGEST_EMAIL, LONGEST_NAME, LONGEST_PASSWORD, UserChange, UserFields};

use crate::download::FORMS;
use crate::queue::{LARGEST_PAGE, LONGEST_CURSOR};

input::body! {
    /// A name and a password.
    pub(crate) LoginForm needs ["username", "password"] {
        "username" "The user's name, in upper or lower case." => full_line::<LONGEST_EMAIL>(),
        "password" "The user's password." => text::<1, LONGEST_PASSWORD>(),
    } example {"username": "alice", "password": "correct horse battery staple"}
}

input::body! {
    /// Whose account is to be read with.
    pub(crate) ScrapeBody needs ["email"] {
        "email" "The address of one of the caller's accounts at the portal." => text::<0, LONGEST_EMAIL>(),
    } example {"email": "user@example.com"}
}

input::parameters! {
    /// Whose account is to be read with.
    pub(crate) EmailQuery {
        needed "user_email" "The address of one of the caller's accounts at the portal." => text::<1, LONGEST_EMAIL>(),
    }
}

input::parameters! {
    /// A page of jobs.
    pub(crate) PageQuery {
        query "limit" "How many; 100 unless given." => whole::<1, LARGEST_PAGE>(),
        query "cursor" "Where the page begins, as the header `Link` of the page before says." => text::<0, LONGEST_CURSOR>(),
    }
}

input::parameters! {
    /// The job of a path.
    pub(crate) JobPath {
        path "job_id" "The job's id." => uuid(),
    }
}

input::parameters! {
    /// A file of a job's result.
    pub(crate) DownloadQuery {
        query "format" "Its form; csv unless given." => one_of(FORMS),
    }
}

input::parameters! {
    /// A page of users.
    pub(crate) UserPage {
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, 2_000>(),
    }
}

input::parameters! {
    /// A page of accounts.
    pub(crate) AccountPage {
        query "tenant" "Whose, if not all tenants'." => pattern(1, LONGEST_NAME, "^[A-Za-z0-9][A-Za-z0-9._@+-]*$"),
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, 2_000>(),
    }
}

input::parameters! {
    /// The user of a path.
    pub(crate) UserPath {
        path "username" "The user's name, in upper or lower case." => pattern(1, LONGEST_NAME, "^[A-Za-z0-9][A-Za-z0-9._@+-]*$"),
    }
}

input::parameters! {
    /// The account of a path.
    pub(crate) AccountPathParameters {
        path "tenant" "Whose it is." => pattern(1, LONGEST_NAME, "^[A-Za-z0-9][A-Za-z0-9._@+-]*$"),
        path "portal" "Where it is an account." => one_of(["pwmr", "bwmr", "ewmr"]),
        path "email" "Its address, in upper or lower case." => text::<1, LONGEST_EMAIL>(),
    }
}

input::forms! {
    /// A user that is to be made.
    pub(crate) NewPortalUser of UserFields, needs UserFields::NEEDED, example
        {"username": "alice", "password": "correct horse battery staple", "tenant": "acme"};
    /// What is to change of a user.
    pub(crate) PortalUserChange of UserChange, needs [], example {"is_active": false};
    /// An account that is to be made.
    pub(crate) NewPortalAccount of AccountFields, needs AccountFields::NEEDED, example
        {"tenant": "acme", "portal": "pwmr", "email": "user@example.com", "password": "as it is at the portal"};
    /// What an account logs in with from now on.
    pub(crate) PortalCredentialsBody of CredentialFields, needs ["password"], example {"password": "as it is at the portal"};
}
