use super::*;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

const LIMITS: Limits =
    Limits { seats: 3, head: 8 << 10, body: 1 << 10, patience: Duration::from_millis(300) };

/// A door that lets in whom the test sends.
struct TestDoor(tokio::sync::Mutex<UnboundedReceiver<(DuplexStream, Guest)>>);

impl Door for TestDoor {
    type Stream = DuplexStream;

    async fn next(&self) -> io::Result<(DuplexStream, Guest)> {
        self.0.lock().await.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// Says how long the body was; at `/flood` says far too much, and tells when that ended.
#[derive(Default)]
struct Counting {
    ended: Arc<Notify>,
}

/// Tells when it goes.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler for Counting {
    async fn answer(&self, _guest: Guest, request: Request<Incoming>) -> Answer {
        if request.uri().path() == "/flood" {
            let guard = Guard(Arc::clone(&self.ended));
            let much = stream::unfold(guard, async |guard| {
                Some((Bytes::from_static(&[b'x'; 1024]), guard))
            });
            return bits("text/plain", much);
        }
        match body(request, LIMITS).await {
            Ok(body) => whole(StatusCode::OK, "text/plain", body.len().to_string()),
            Err(status) => whole(status, "text/plain", ""),
        }
    }
}

/// Where a test's guests come from.
struct Street(UnboundedSender<(DuplexStream, Guest)>, Arc<Notify>);

const ROOT: Guest = Guest::User(0);
const OTHER: Guest = Guest::User(4242);

impl Street {
    fn comes(&self, guest: Guest) -> DuplexStream {
        let (ours, theirs) = duplex(4096);
        self.0.send((theirs, guest)).expect("an open door");
        ours
    }

    /// A guest that says this, and all that it is told until the connection ends.
    async fn says(&self, guest: Guest, words: &[u8]) -> String {
        let (mut reading, mut writing) = tokio::io::split(self.comes(guest));
        let say = async {
            // The other end may have heard enough.
            let _ = writing.write_all(words).await;
            std::future::pending::<()>().await;
        };
        let mut told = Vec::new();
        tokio::select! {
            () = say => {}
            ended = reading.read_to_end(&mut told) => drop(ended),
        }
        String::from_utf8(told).expect("text")
    }
}

/// Runs a test's story while the door is open.
async fn meanwhile(story: impl AsyncFnOnce(Street)) {
    let (street, door) = mpsc::unbounded_channel();
    let door = TestDoor(door.into());
    let handler = Counting::default();
    let street = Street(street, Arc::clone(&handler.ended));
    tokio::select! {
        () = serve(door, LIMITS, &handler) => panic!("the door is never closed"),
        () = story(street) => {}
    }
}

fn post(length: usize) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; length]].concat()
}

#[tokio::test]
async fn a_request_is_answered_and_the_connection_ends() {
    meanwhile(async |street: Street| {
        let told = street.says(OTHER, &post(7)).await;
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n") && told.ends_with("\r\n\r\n7"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    meanwhile(async |street: Street| {
        let told = street.says(OTHER, &post(LIMITS.body + 1)).await;
        assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
        let endless = [
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            b"400\r\n".to_vec(),
            vec![b'x'; 1024],
            b"\r\n400\r\n".to_vec(),
            vec![b'x'; 1024],
        ]
        .concat();
        let told = street.says(OTHER, &endless).await;
        assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
        let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(LIMITS.head * 2));
        let told = street.says(OTHER, head.as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_too_slow_is_ended() {
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
        meanwhile(async |street: Street| {
            let started = Instant::now();
            let told = street.says(OTHER, begun).await;
            assert!(!told.contains("200 OK"), "{told}");
            let took = started.elapsed();
            assert!(took < LIMITS.patience * 10, "{begun:?}: {took:?}");
        })
        .await;
    }
    meanwhile(async |street: Street| {
        let half = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc";
        let told = street.says(OTHER, half).await;
        assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    })
    .await;
}

#[tokio::test]
async fn who_takes_nothing_is_ended() {
    meanwhile(async |street: Street| {
        let mut guest = street.comes(OTHER);
        guest.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let ended = timeout(Duration::from_secs(5), street.1.notified()).await;
        assert!(ended.is_ok(), "the flood goes on for ever");
        drop(guest);
    })
    .await;
}

#[tokio::test]
async fn many_guests_keep_no_root_out_and_leave_in_time() {
    meanwhile(async |street: Street| {
        let crowd: Vec<_> = (0..LIMITS.seats).map(|_| street.comes(OTHER)).collect();
        let told = street.says(OTHER, &post(1)).await;
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
        let told = street.says(ROOT, &post(1)).await;
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        for mut guest in crowd {
            drop(guest.read_to_end(&mut Vec::new()).await);
        }
        let told = street.says(OTHER, &post(1)).await;
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    })
    .await;
}
