//! Netlink messages and their attributes, as far as news need them. What cannot be read is
//! passed over: a newer kernel may say more than we know.

use netlink_packet_core::{NetlinkBuffer, NlasIterator};

/// Where `nlmsg_type` of `struct nlmsghdr` is, in bytes.
pub(super) const KIND_OFFSET: u32 = 4;
/// Where `rtm_table` of `struct rtmsg` is, in bytes after the start of the message.
pub(super) const ROUTE_TABLE_OFFSET: u32 = 20;
/// `RTM_NEWROUTE` of `linux/rtnetlink.h`.
pub(super) const NEW_ROUTE: u16 = 24;
/// `RTM_DELROUTE`.
pub(super) const DELETE_ROUTE: u16 = 25;

/// One message: its `nlmsg_type`, and what follows the header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    payload: &'a [u8],
}

/// The messages of a datagram.
pub(crate) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let message = NetlinkBuffer::new_checked(datagram).ok()?;
        let length = usize::try_from(message.length()).ok()?;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind: message.message_type(), payload: message.payload() })
    })
}

impl<'a> Message<'a> {
    /// One byte of the header that follows `nlmsghdr`.
    pub(crate) fn byte(&self, offset: usize) -> Option<u8> {
        self.payload.get(offset).copied()
    }

    /// A number of that header, in the machine's order.
    pub(crate) fn number(&self, offset: usize) -> Option<u32> {
        self.payload.get(offset..).and_then(number)
    }

    /// The first attribute of this type, after a header of so many bytes.
    pub(crate) fn attribute(&self, header: usize, wanted: u16) -> Option<&'a [u8]> {
        let attributes = NlasIterator::new(self.payload.get(header..)?);
        let mut found = attributes.map_while(Result::ok).filter(|one| one.kind() == wanted);
        found.next().map(|one| one.into_inner()).and_then(value)
    }
}

/// The number that an attribute starts with, in the machine's order.
pub(crate) fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// The text that an attribute holds, without the byte that ends it.
pub(crate) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

/// What follows an attribute's own header of four bytes, up to its length.
fn value(attribute: &[u8]) -> Option<&[u8]> {
    let length = attribute.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))?;
    attribute.get(4..usize::from(length))
}
