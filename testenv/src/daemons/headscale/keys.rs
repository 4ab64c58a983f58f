//! Users and their keys.

use std::fmt;

use super::Headscale;

/// A user of a control server.
pub struct User<'a> {
    headscale: &'a Headscale,
    id: String,
}

/// A key that a node joins with.
#[derive(Clone)]
pub struct Authkey {
    id: String,
    secret: String,
}

impl Headscale {
    /// A new user.
    ///
    /// # Panics
    /// Where there is one of this name.
    pub fn user(&self, name: &str) -> User<'_> {
        let user = self.admin(&["users", "create", name]);
        User { headscale: self, id: user["id"].to_string() }
    }

    /// A key whose nodes carry these tags, such as `tag:k8s`, and belong to no user.
    pub fn tagged_key(&self, tags: &str) -> Authkey {
        self.key(&["--reusable", "--tags", tags])
    }

    /// Ends a key's life, as an administrator does who fears that it leaked.
    pub fn expire_key(&self, key: &Authkey) {
        self.admin(&["preauthkeys", "expire", "-i", &key.id]);
    }

    /// Deletes a key.
    pub fn delete_key(&self, key: &Authkey) {
        self.admin(&["preauthkeys", "delete", "-i", &key.id]);
    }

    /// A key to the server's own API.
    pub fn api_key(&self) -> String {
        let answer = self.admin(&["apikeys", "create"]);
        answer.as_str().unwrap_or_else(|| panic!("no API key: {answer}")).trim().to_owned()
    }

    fn key(&self, args: &[&str]) -> Authkey {
        let key = self.admin(&[&["preauthkeys", "create"], args].concat());
        let secret = key["key"].as_str().unwrap_or_else(|| panic!("no key: {key}")).to_owned();
        Authkey { id: key["id"].to_string(), secret }
    }
}

impl User<'_> {
    /// A key for many nodes.
    pub fn reusable_key(&self) -> Authkey {
        self.key(&["--reusable"])
    }

    /// A key for one node.
    pub fn one_time_key(&self) -> Authkey {
        self.key(&[])
    }

    /// A key for nodes that vanish once they are gone.
    pub fn ephemeral_key(&self) -> Authkey {
        self.key(&["--reusable", "--ephemeral"])
    }

    /// A key that is over already.
    pub fn expired_key(&self) -> Authkey {
        let key = self.reusable_key();
        self.headscale.expire_key(&key);
        key
    }

    fn key(&self, args: &[&str]) -> Authkey {
        self.headscale.key(&[&["-u", &self.id], args].concat())
    }
}

impl Authkey {
    /// The key itself.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

/// A failing test must not print a key that another test then finds in a log.
impl fmt::Debug for Authkey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Authkey({})", self.id)
    }
}
