//! A routing netlink socket.

use tokio::runtime::Handle as Runtime;

use crate::error::{Cannot, Result};
use crate::namespace::Namespace;

/// A routing netlink socket, in the network namespace where it was opened. What it can do
/// is in [`link`](crate::link), [`route`](crate::route) and [`rule`](crate::rule).
#[derive(Debug, Clone)]
pub struct Netlink {
    pub(crate) handle: rtnetlink::Handle,
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread. Needs a tokio runtime.
    pub fn open() -> Result<Self> {
        let (connection, handle, _) =
            rtnetlink::new_connection().cannot(|| "open a netlink socket".to_owned())?;
        tokio::spawn(connection);
        Ok(Netlink { handle })
    }

    /// Opens a socket inside `namespace`, to be used from the calling thread's runtime.
    pub fn open_in(namespace: &Namespace) -> Result<Self> {
        let runtime = Runtime::current();
        namespace.run(|| {
            let _entered = runtime.enter();
            Self::open()
        })?
    }
}
