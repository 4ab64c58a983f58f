//! The session that `docs/plugin-protocol.md` shows, spoken again.

use provider_plugin::serve_on;
use serde_json::Value;
use testenv::fake::{self, FakeProvider, FakeWorld};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

const PAGE: &str = include_str!("../../../docs/plugin-protocol.md");

/// A line of the session.
#[derive(Debug)]
enum Turn {
    Host(Value),
    Plugin(Value),
    /// What happens to the VPN meanwhile.
    World,
}

fn session() -> Vec<Turn> {
    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }
    let turn = |line: &str| match line.split_at_checked(4)? {
        ("--> ", text) => Some(Turn::Host(read(text))),
        ("<-- ", text) => Some(Turn::Plugin(read(text))),
        _ => (line == "# another node leaves").then_some(Turn::World),
    };
    PAGE.lines().filter_map(turn).collect()
}

#[tokio::test]
async fn the_session_on_the_page_is_what_is_spoken() {
    let world = FakeWorld::default();
    world.peer(fake::peer("other", 2, &[fake::pod_cidr(4)]));
    let provider = FakeProvider::new(world.clone());
    let (ours, theirs) = duplex(1 << 20);
    let (input, output) = tokio::io::split(theirs);
    let speak = speak(ours, world);
    tokio::select! {
        () = speak => {}
        ended = serve_on(&provider, input, output) => panic!("it ended: {ended:?}"),
    }
}

async fn speak(pipe: DuplexStream, world: FakeWorld) {
    let (heard, mut say) = tokio::io::split(pipe);
    let mut heard = BufReader::new(heard).lines();
    let session = session();
    assert!(session.iter().any(|turn| matches!(turn, Turn::World)), "{session:?}");
    for turn in session {
        match turn {
            Turn::Host(line) => {
                say.write_all(format!("{line}\n").as_bytes()).await.expect("a pipe");
            }
            Turn::World => world.remove_peer("other"),
            Turn::Plugin(expected) => {
                let line = heard.next_line().await.expect("a pipe").expect("a line");
                let spoken: Value = serde_json::from_str(&line).expect("JSON");
                assert_eq!(spoken, expected, "\nspoken: {line}\non the page: {expected}");
            }
        }
    }
}
