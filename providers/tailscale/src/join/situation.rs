//! What a node needs to become a member, from how it stands. Pure.

use provider_api::{Error, ErrorKind, Ledger, Result};

use crate::client::{State, Status};
use crate::control_url::ControlUrl;
use crate::prefs::Prefs;
use crate::settings::Settings;

/// What a node needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Nothing: it is one.
    Member,
    /// Time, or somebody else.
    Wait,
    /// To be switched on.
    Wake,
    /// A login.
    Login(Login),
}

/// A login that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// Of a node without a key of its own.
    First,
    /// Of a node that has one, here or at another control server.
    Again,
}

/// Says what the node needs, or why it must not get that.
pub(crate) fn situation(
    status: &Status,
    prefs: &Prefs,
    ledger: &Ledger,
    settings: &Settings,
) -> Result<Situation> {
    if !status.tun {
        return Err(userspace());
    }
    if let Some(server) = elsewhere(status, prefs, settings) {
        return moved(prefs, server, settings);
    }
    match status.backend_state {
        State::Running | State::Starting if status.is_disowned() => {
            again(settings, || deleted(prefs))
        }
        State::Running | State::Starting => Ok(Situation::Member),
        State::Stopped => wake(ledger, settings),
        State::NeedsLogin if status.have_node_key => outdated(status, prefs, settings),
        State::NeedsLogin => first(ledger, settings),
        State::InUseOtherUser => Err(in_use()),
        State::NoState | State::NeedsMachineAuth | State::Other(_) => Ok(Situation::Wait),
    }
}

/// The control server that is wanted, where the node belongs to another one.
fn elsewhere<'a>(status: &Status, prefs: &Prefs, settings: &'a Settings) -> Option<&'a ControlUrl> {
    let server = settings.control.as_ref()?;
    (status.have_node_key && !prefs.belongs_to(server)).then_some(server)
}

fn moved(prefs: &Prefs, server: &ControlUrl, settings: &Settings) -> Result<Situation> {
    if settings.allow_move {
        return Ok(Situation::Login(Login::Again));
    }
    let now = prefs.shown_server();
    Err(Error::new(
        ErrorKind::Conflict,
        "other-control-server",
        format!("this node belongs to the control server {now}, not to {server}"),
    )
    .fix(format!(
        "to stay, leave controlServerURL out or write controlServerURL={now}\n\
         to move it to {server}, which cuts its connections: moorline up --move"
    )))
}

fn again(settings: &Settings, denied: impl FnOnce() -> Error) -> Result<Situation> {
    if settings.allow_rejoin { Ok(Situation::Login(Login::Again)) } else { Err(denied()) }
}

fn wake(ledger: &Ledger, settings: &Settings) -> Result<Situation> {
    if ledger.enrolment.is_none() || settings.allow_rejoin {
        return Ok(Situation::Wake);
    }
    Err(taken_away("stopped", "tailscale was switched off on this node")
        .fix("tailscale up, or moorline up --rejoin"))
}

/// A node that has a key and must log in: expired, deleted, or not that far yet.
fn outdated(status: &Status, prefs: &Prefs, settings: &Settings) -> Result<Situation> {
    if status.is_expired() {
        return again(settings, || expired(prefs));
    }
    if !status.auth_url.is_empty() {
        return again(settings, || deleted(prefs));
    }
    Ok(Situation::Wait)
}

fn first(ledger: &Ledger, settings: &Settings) -> Result<Situation> {
    if ledger.enrolment.is_none() || settings.allow_rejoin {
        return Ok(Situation::Login(Login::First));
    }
    Err(taken_away("logged-out", "this node was logged out of the tailnet")
        .fix("to join again: moorline up --rejoin, with a joinKey\nto forget it: moorline leave"))
}

fn expired(prefs: &Prefs) -> Error {
    let what =
        format!("this node's key has expired at the control server {}", prefs.shown_server());
    taken_away("expired", &what).fix(
        "to log in again: moorline up --rejoin, with a joinKey\n\
         so that it does not happen again: disable key expiry for this node, or use a tagged key",
    )
}

fn deleted(prefs: &Prefs) -> Error {
    let what = format!(
        "the control server {} wants a new login: it deleted this node, or let it \
        expire",
        prefs.shown_server()
    );
    taken_away("deleted", &what).fix("to join again: moorline up --rejoin, with a joinKey")
}

/// An administrator said no, on purpose as far as we can know.
fn taken_away(code: &str, what: &str) -> Error {
    Error::new(ErrorKind::Denied, code, what)
}

fn in_use() -> Error {
    let what = "tailscaled is in use by another user of this machine";
    Error::new(ErrorKind::Conflict, "in-use", what)
}

fn userspace() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "userspace-networking",
        "tailscaled runs in userspace mode, where the kernel routes nothing into the tailnet",
    )
    .fix("start tailscaled without --tun=userspace-networking")
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_api::{Enrolment, ProviderSettings};
    use serde_json::{Value, json};
    use std::time::Duration;

    const HERE: &str = "http://hs:8080";

    struct Case {
        status: Value,
        server: &'static str,
        ledger: Ledger,
        settings: Settings,
    }

    fn case(status: Value) -> Case {
        let settings = ProviderSettings {
            network: "default".parse().unwrap(),
            cluster_cidrs: vec![],
            values: [("controlServerURL".to_owned(), HERE.to_owned())].into(),
            secrets: ["joinKey".to_owned()].into(),
            extra_args: vec![],
            node_name: None,
            allow_move: false,
            allow_rejoin: false,
            join_deadline: Duration::from_secs(60),
        };
        let settings = Settings::parse(&settings).unwrap();
        Case { status, server: HERE, ledger: Ledger::default(), settings }
    }

    impl Case {
        fn at(mut self, server: &'static str) -> Self {
            self.server = server;
            self
        }

        fn known(mut self) -> Self {
            self.ledger.enrolment = Some(Enrolment::Ours);
            self
        }

        fn rejoin(mut self) -> Self {
            self.settings.allow_rejoin = true;
            self
        }

        fn may_move(mut self) -> Self {
            self.settings.allow_move = true;
            self
        }

        fn situation(mut self) -> Result<Situation, String> {
            self.status["TUN"] = json!(true);
            let prefs = Prefs::default().with("ControlURL", json!(self.server));
            let status = serde_json::from_value(self.status).unwrap();
            situation(&status, &prefs, &self.ledger, &self.settings).map_err(|error| error.code)
        }
    }

    fn running() -> Value {
        json!({"BackendState": "Running", "HaveNodeKey": true, "Self": {"Online": true}})
    }

    #[test]
    fn an_enrolled_node_is_adopted() {
        assert_eq!(case(running()).situation(), Ok(Situation::Member));
    }

    #[test]
    fn a_node_of_another_server_stays_there_unless_told() {
        let conflict = Err("other-control-server".to_owned());
        assert_eq!(case(running()).at("http://other").situation(), conflict);
        let moved = case(running()).at("http://other").may_move().situation();
        assert_eq!(moved, Ok(Situation::Login(Login::Again)));
        let fresh = json!({"BackendState": "NeedsLogin"});
        assert_eq!(case(fresh).at("").situation(), Ok(Situation::Login(Login::First)));
    }

    #[test]
    fn what_an_admin_took_away_is_not_won_back_unless_told() {
        let deleted = json!({"BackendState": "Running", "HaveNodeKey": true, "AuthURL": "http://x",
            "Self": {"Online": false}});
        let restarted =
            json!({"BackendState": "NeedsLogin", "HaveNodeKey": true, "AuthURL": "http://x"});
        let expired =
            json!({"BackendState": "NeedsLogin", "HaveNodeKey": true, "Self": {"Expired": true}});
        let logged_out = json!({"BackendState": "NeedsLogin"});
        let stopped = json!({"BackendState": "Stopped", "HaveNodeKey": true});
        for (status, code, then) in [
            (deleted, "deleted", Situation::Login(Login::Again)),
            (restarted, "deleted", Situation::Login(Login::Again)),
            (expired, "expired", Situation::Login(Login::Again)),
            (logged_out, "logged-out", Situation::Login(Login::First)),
            (stopped, "stopped", Situation::Wake),
        ] {
            assert_eq!(case(status.clone()).known().situation(), Err(code.to_owned()));
            assert_eq!(case(status).known().rejoin().situation(), Ok(then), "{code}");
        }
    }

    #[test]
    fn a_fresh_node_joins_and_a_node_that_is_off_is_switched_on() {
        let fresh = json!({"BackendState": "NeedsLogin"});
        assert_eq!(case(fresh).situation(), Ok(Situation::Login(Login::First)));
        let stopped = json!({"BackendState": "Stopped", "HaveNodeKey": true});
        assert_eq!(case(stopped).situation(), Ok(Situation::Wake));
    }

    #[test]
    fn an_unknown_state_is_waited_for() {
        for state in ["NoState", "NeedsMachineAuth", "FromTheFuture"] {
            let status = json!({"BackendState": state, "HaveNodeKey": true});
            assert_eq!(case(status).situation(), Ok(Situation::Wait), "{state}");
        }
        let early = json!({"BackendState": "NeedsLogin", "HaveNodeKey": true});
        assert_eq!(case(early).situation(), Ok(Situation::Wait));
    }

    #[test]
    fn userspace_mode_is_refused() {
        let settings = case(running()).settings;
        let status: Status = serde_json::from_value(running()).unwrap();
        let refused = situation(&status, &Prefs::default(), &Ledger::default(), &settings);
        assert_eq!(refused.unwrap_err().code, "userspace-networking");
    }
}
