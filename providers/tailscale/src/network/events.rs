//! Ticks when something changed.

use std::future::ready;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use provider_api::Event;

use crate::client::{LocalApi, Notify};

/// One tick for each message that says anything; the last one says that the daemon is gone.
pub(super) fn events(api: LocalApi) -> BoxStream<'static, Event> {
    let news = stream::once(async move {
        match api.watch().await {
            Ok(news) => news,
            Err(error) => stream::once(ready(Err(error))).boxed(),
        }
    });
    let messages = news.flatten().take_while(|message| ready(message.is_ok()));
    let ticks = messages
        .filter_map(|message| ready(message.ok().filter(Notify::is_news).map(|_| Event::Changed)));
    ticks.chain(stream::once(ready(Event::Gone))).boxed()
}
