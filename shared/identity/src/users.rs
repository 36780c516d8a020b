//! Users, as they are kept.

use table::{Condition, TableError, Update, decode};

use crate::directory::{Identity, Stored};
use crate::user::{AvatarChange, User, UserChange, key_of_user};

impl Identity {
    /// A user.
    pub async fn find_user(&self, id: &str) -> Result<Option<User>, TableError> {
        self.table.get(&key_of_user(id)).await
    }

    /// Adds a user.
    pub async fn add_user(&self, user: &User) -> Result<(), TableError> {
        let stored = Stored { key: key_of_user(&user.id), item: user };
        self.table.put(&stored, Condition::Absent("pk")).await
    }

    /// Changes a user, who must be there, and gives them as they are now.
    pub async fn change_user(&self, id: &str, change: UserChange) -> Result<User, TableError> {
        let mut update = Update::new()
            .set("updated_at", self.clock.now())
            .set_given("full_name", change.full_name)
            .set_given("email", change.email)
            .set_given("is_active", change.is_active)
            .set_given("is_operator", change.is_operator)
            .when(Condition::Exists("pk"));
        update = match change.avatar {
            AvatarChange::Stays => update,
            AvatarChange::Goes => update.remove("avatar_url"),
            AvatarChange::At(address) => update.set("avatar_url", address),
        };
        decode(self.table.update(&key_of_user(id), update).await?)
    }
}
