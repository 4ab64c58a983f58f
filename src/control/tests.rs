//! Client and server over a real socket; what the loop does is played by the test.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use provider_api::{Error, Leave, Plan, Secret, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::{Client, Server, socket};
use crate::example;
use crate::host::{
    Desk, Directories, Happening, Order, Publisher, Reporter, Silent, UpReport, What, desk,
};
use crate::settings::{
    Layer, Origin, SecretRef, Settings, Sources, VpnAuth, Word, example as manifests, resolve,
};

const SECRET: &str = "tskey-auth-k1T9X6";

/// A service whose loop is the test.
struct Scene {
    folder: tempfile::TempDir,
    desk: Desk,
    publisher: Publisher,
}

/// Runs a story beside the server.
async fn meanwhile(story: impl AsyncFnOnce(Client, &Scene, Receiver<Order>)) {
    let folder = tempfile::tempdir().unwrap();
    let (desk, publisher, orders) = desk();
    let scene = Scene { folder, desk: desk.clone(), publisher };
    let server = Server::open(desk, scene.directories()).unwrap();
    let client = Client::find(scene.folder.path()).await.unwrap().expect("a service");
    let story = timeout(Duration::from_secs(30), story(client, &scene, orders));
    tokio::select! {
        () = server.run() => panic!("a server does not end"),
        told = story => told.expect("a story that ends"),
    }
}

impl Scene {
    fn directories(&self) -> Directories {
        let folder = self.folder.path();
        Directories { state: folder.join("state"), run: folder.to_owned() }
    }

    fn settings(&self) -> Settings {
        let mut flags = Layer::default();
        let text = format!("name=tailscale,joinKey={SECRET}");
        flags.vpn_auth.push(VpnAuth::cut(&text, Origin::Flag("--vpn-auth".into())));
        let state = self.directories().state.display().to_string();
        flags.say(Word::StateDir, [state], Origin::Flag("--state-dir".into()));
        let sources = Sources { flags, ..Sources::default() };
        resolve(&sources, &[manifests::manifest("tailscale")]).unwrap()
    }

    async fn says(&self, words: &str) -> String {
        let mut stream = UnixStream::connect(socket::path(self.folder.path())).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        told
    }
}

/// Keeps what it was told.
#[derive(Default)]
struct Heard(Mutex<Vec<Step>>);

impl Reporter for Heard {
    fn step(&self, step: &Step) {
        self.0.lock().unwrap().push(step.clone());
    }
}

fn report() -> UpReport {
    let changes = Plan { changes: vec![] };
    UpReport { status: example::report(), changes, wanted: None, took: Duration::ZERO }
}

#[tokio::test]
async fn where_no_service_runs_none_is_found() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Client::find(folder.path()).await.unwrap().is_none());
    drop(socket::listen_at(&socket::path(folder.path())).unwrap());
    assert!(Client::find(folder.path()).await.unwrap().is_none(), "a socket of one that ended");
    assert!(Client::find(Path::new("/nonexistent")).await.unwrap().is_none());
}

#[tokio::test]
async fn the_snapshot_is_told_and_each_newer_one() {
    meanwhile(async |client: Client, scene: &Scene, _orders: Receiver<Order>| {
        let mut watched = client.watch().await.unwrap();
        assert_eq!(watched.next().await.unwrap().unwrap(), *scene.desk.snapshot());
        let newer = example::snapshot(Some(example::report()));
        scene.publisher.publish(newer.clone());
        assert_eq!(watched.next().await.unwrap().unwrap(), newer);
        assert_eq!(client.status().await.unwrap(), newer);
    })
    .await;
}

#[tokio::test]
async fn what_happens_is_told_as_it_happens() {
    meanwhile(async |client: Client, scene: &Scene, _orders: Receiver<Order>| {
        let mut events = client.events().await.unwrap();
        let what = What::PeerCame { peer: "b".into() };
        scene.publisher.tell(what.clone());
        let Happening { what: told, .. } = events.next().await.unwrap().unwrap();
        assert_eq!(told, what);
    })
    .await;
}

#[tokio::test]
async fn an_up_arrives_whole_and_its_steps_and_answer_come_back() {
    meanwhile(async |client: Client, scene: &Scene, mut orders: Receiver<Order>| {
        let (settings, heard) = (scene.settings(), Heard::default());
        let the_loop = async {
            let Some(Order::Up { settings, steps, answer }) = orders.recv().await else { panic!() };
            steps.send(Step::begin("login", "logging in")).unwrap();
            steps.send(Step::done("login", "logged in")).unwrap();
            answer.send(Ok(report())).unwrap();
            settings
        };
        let (answer, arrived) = tokio::join!(client.up(&settings, &heard), the_loop);
        assert_eq!(answer.unwrap(), report());
        assert_eq!(*arrived, settings, "each with its origin");
        let key = &arrived.secrets["joinKey"].value;
        assert_eq!(*key, SecretRef::Literal(Secret::new(SECRET)));
        assert_eq!(heard.0.lock().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_error_of_the_loop_is_the_callers_error() {
    meanwhile(async |client: Client, _scene: &Scene, mut orders: Receiver<Order>| {
        let error = Error::settings("no-network", "this node has joined no network").fix("up");
        let the_loop = async {
            let Some(Order::Leave { how, answer, .. }) = orders.recv().await else { panic!() };
            assert_eq!(how, Leave::Withdraw);
            drop(answer.send(Err(error.clone())));
        };
        let (answer, ()) = tokio::join!(client.leave(Leave::Withdraw, &Silent), the_loop);
        assert_eq!(answer.unwrap_err(), error);
    })
    .await;
}

#[tokio::test]
async fn who_goes_away_gives_the_up_up() {
    meanwhile(async |client: Client, scene: &Scene, mut orders: Receiver<Order>| {
        let settings = scene.settings();
        let mut order = tokio::select! {
            answer = client.up(&settings, &Silent) => panic!("{answer:?}"),
            order = orders.recv() => order.unwrap(),
        };
        let Order::Up { answer, .. } = &mut order else { panic!() };
        answer.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_service_that_ends_on_the_way_is_told() {
    meanwhile(async |client: Client, scene: &Scene, mut orders: Receiver<Order>| {
        let settings = scene.settings();
        let (answer, ()) = tokio::join!(client.up(&settings, &Silent), async {
            drop(orders.recv().await);
        });
        assert_eq!(answer.unwrap_err().code, "service-ending");
        drop(orders);
        assert_eq!(client.reconcile().await.unwrap_err().code, "service-ending");
    })
    .await;
}

#[tokio::test]
async fn a_reconcile_waits_for_the_other_nodes() {
    meanwhile(async |client: Client, scene: &Scene, mut orders: Receiver<Order>| {
        let mut old = example::snapshot(Some(example::report()));
        let fresh = old.clone();
        old.service.asking = true;
        let the_loop = async {
            let Some(Order::Reconcile { answer }) = orders.recv().await else { panic!() };
            answer.send(scene.publisher.publish(old)).unwrap();
            scene.publisher.publish(fresh.clone());
        };
        let (answer, ()) = tokio::join!(client.reconcile(), the_loop);
        assert_eq!(answer.unwrap(), fresh);
    })
    .await;
}

#[tokio::test]
async fn an_up_for_another_state_directory_is_refused() {
    meanwhile(async |client: Client, scene: &Scene, _orders: Receiver<Order>| {
        let mut settings = scene.settings();
        settings.state_dir.value = "/elsewhere".into();
        let error = client.up(&settings, &Silent).await.unwrap_err();
        assert_eq!(error.code, "other-state-dir");
        assert!(error.what.contains("/elsewhere"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn settings_are_told_with_their_origins_and_without_the_key() {
    meanwhile(async |_client: Client, scene: &Scene, _orders: Receiver<Order>| {
        scene.publisher.want(Some(&scene.settings()));
        let told = scene.says("GET /v1/settings HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let row = r#"{"name":"joinKey","value":"(literal, not shown)","origin":"flag --vpn-auth"}"#;
        assert!(told.contains(row) && !told.contains(SECRET), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_its_secrets_are_not_repeated() {
    meanwhile(async |_client: Client, scene: &Scene, _orders: Receiver<Order>| {
        let body = format!(r#"{{"provider": "{SECRET}", "{SECRET}": 1}}"#);
        let length = body.len();
        let posts =
            format!("POST /v1/up HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
        for (words, status, code) in [
            (posts.as_str(), "400", "service-request"),
            ("GET /v2/status HTTP/1.1\r\nhost: x\r\n\r\n", "404", "service-call"),
            ("GET /v1/up HTTP/1.1\r\nhost: x\r\n\r\n", "405", "service-call"),
            (
                "POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
                "405",
                "service-call",
            ),
        ] {
            let told = scene.says(words).await;
            assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
            assert!(told.contains(code) && !told.contains(SECRET), "{told}");
        }
    })
    .await;
}
