//! The fake provider as a plugin. It finds its world beside the path that it was started by.

use std::io;
use std::path::PathBuf;

use testenv::fake::FakePlugin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let executable = std::env::args_os().next().map(PathBuf::from);
    let executable = executable.ok_or_else(|| io::Error::other("started without a name"))?;
    provider_plugin::serve(&*FakePlugin::provider_beside(&executable)).await
}
