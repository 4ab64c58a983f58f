//! Ticks when something changed.

use std::future::ready;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use provider_api::Event;

use super::memory::Shared;
use crate::client::{LocalApi, Notify};

/// One tick for each message that says anything; the last one says that the daemon is gone.
pub(super) fn events(api: LocalApi, memory: Shared) -> BoxStream<'static, Event> {
    let news = stream::once(async move {
        match api.watch().await {
            Ok(news) => news,
            Err(error) => stream::once(ready(Err(error))).boxed(),
        }
    });
    let messages = news.flatten().take_while(|message| ready(message.is_ok()));
    let ticks = messages
        .filter_map(|message| ready(message.ok().filter(Notify::is_news).map(|_| Event::Changed)));
    let gone = async move {
        memory.with(|memory| memory.daemon_away());
        Event::Gone
    };
    ticks.chain(stream::once(gone)).boxed()
}
