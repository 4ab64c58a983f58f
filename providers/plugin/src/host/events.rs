//! The events of a plugin's network: a call that stays open.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::stream::unfold;
use provider_api::Event;

use super::link::{Heard, Line, Link};
use crate::wire::{News, Request, RpcError};

/// Ticks that nobody took yet are one tick.
const BACKLOG: usize = 1;

/// Ticks while the plugin and its daemon live; the last one says that either is gone.
pub(super) fn events(link: &Arc<Link>, network: u64) -> BoxStream<'static, Event> {
    let line = link.call(Request::Events { network }, None, BACKLOG);
    Box::pin(unfold(Some(line), async |line| {
        let mut line = line?;
        match tick(&mut line).await {
            Event::Changed => Some((Event::Changed, Some(line))),
            Event::Gone => Some((Event::Gone, None)),
        }
    }))
}

async fn tick(line: &mut Line) -> Event {
    loop {
        match line.next().await {
            Heard::News(News::Event { event, .. }) => return event,
            Heard::News(News::Progress { .. }) => {}
            Heard::Question(id, _) => line.answer(
                id,
                Err(RpcError::plain(RpcError::PARAMETERS, "events have nothing to ask")),
            ),
            Heard::End(_) => return Event::Gone,
        }
    }
}
