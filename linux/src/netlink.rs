//! A routing netlink socket.

use rustix::io::Errno;
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

/// What a kernel lists of a family; nothing where it was booted without that family
/// (`ipv6.disable=1`).
pub(crate) fn of_family<T>(
    listed: Result<Vec<T>, rtnetlink::Error>,
) -> Result<Vec<T>, rtnetlink::Error> {
    match listed {
        Err(rtnetlink::Error::NetlinkError(message)) if is_no_family(&message.to_io()) => {
            Ok(Vec::new())
        }
        other => other,
    }
}

fn is_no_family(cause: &std::io::Error) -> bool {
    cause.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}
