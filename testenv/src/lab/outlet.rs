//! Where a host's packets meet the internet.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Namespace;

/// The interface on the internet: the host's own, or its outermost router's.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) leg: &'static str,
    pub(crate) address: Ipv4Addr,
    pub(crate) address6: Option<Ipv6Addr>,
    pub(crate) gateway: Ipv4Addr,
}
