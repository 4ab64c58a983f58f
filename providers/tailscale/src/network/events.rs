//! Ticks when something changed.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use provider_api::Event;

use crate::client::LocalApi;

/// One tick for each message that says anything; the last one says that the daemon is gone.
pub(super) fn events(api: LocalApi) -> BoxStream<'static, Event> {
    let news = stream::once(async move {
        match api.watch().await {
            Ok(news) => news,
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        }
    });
    let ticks = news.flatten().filter_map(|message| async {
        match message {
            Ok(message) => message.is_news().then_some(Event::Changed),
            Err(_) => Some(Event::Gone),
        }
    });
    ticks.boxed()
}
