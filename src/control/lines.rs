//! Lines of JSON that an answer consists of, as they come.

use std::marker::PhantomData;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use provider_api::Result;
use serde::de::DeserializeOwned;

use crate::host::Tasks;

/// Lines of JSON as they come. Dropping them ends the call.
pub struct Lines<T> {
    pub(super) lines: BoxStream<'static, Result<String>>,
    pub(super) _connection: Tasks,
    pub(super) kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    /// The next one; none after the last.
    ///
    /// # Errors
    /// Where the service goes away, or says what is not understood.
    pub async fn next(&mut self) -> Result<Option<T>> {
        match self.lines.next().await.transpose()? {
            Some(line) => super::client::parse(line.as_bytes()).map(Some),
            None => Ok(None),
        }
    }
}
