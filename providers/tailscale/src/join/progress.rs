//! A login as it goes on: what each message of the daemon means. Pure.

use std::time::{Duration, Instant};

use provider_api::{Error, ErrorKind};

use super::{Ended, failure};
use crate::client::{Notify, State};

/// How long trouble on the way to the control server may last before it is the answer: a
/// daemon that has just started may be ahead of the network.
const GRACE: Duration = Duration::from_secs(3);

/// 1.102 says this of a reader that is too slow; it says nothing about the login
/// (`ipn/ipnlocal/local.go:4104`).
const FELL_BEHIND: &str = "consumer fell behind";

/// A login under way.
#[derive(Debug)]
pub(super) struct Progress {
    server: String,
    trouble: Option<(Instant, Error)>,
    waiting_for: Option<Waiting>,
}

/// Somebody who must act before the login can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Who must do what.
    pub(super) reason: String,
    /// Where.
    pub(super) url: Option<String>,
    kind: ErrorKind,
    code: &'static str,
}

/// What to do after a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Wait for the next one.
    Wait,
    /// Look whether the node is a member now.
    Look,
    /// Say that somebody must act, and wait.
    Tell(Waiting),
    /// It failed.
    Failed(Error),
}

impl Progress {
    pub(super) fn new(server: &str) -> Self {
        Progress { server: server.to_owned(), trouble: None, waiting_for: None }
    }

    /// Takes one message in.
    pub(super) fn hear(&mut self, message: &Notify, now: Instant) -> Verdict {
        if let Some(text) = message.err_message.as_deref()
            && !text.contains(FELL_BEHIND)
        {
            return Verdict::Failed(failure::refused(text, &self.server));
        }
        if let Some(health) = &message.health {
            self.note_trouble(health.login_error(), now);
        }
        if let Some(failed) = self.failed(now) {
            return Verdict::Failed(failed);
        }
        if let Some(waiting) = self.waiting(message) {
            self.waiting_for = Some(waiting.clone());
            return Verdict::Tell(waiting);
        }
        let joined = message.state.as_ref().is_some_and(State::is_member);
        if joined || message.login_finished.is_some() { Verdict::Look } else { Verdict::Wait }
    }

    /// When trouble that was heard of becomes the answer, if it lasts.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        self.trouble.as_ref().map(|(since, _)| *since + GRACE)
    }

    /// The error, where trouble is of a kind that waiting does not mend, or has lasted.
    pub(super) fn failed(&self, now: Instant) -> Option<Error> {
        let (since, error) = self.trouble.as_ref()?;
        let hopeless = error.kind != ErrorKind::Unavailable;
        (hopeless || now >= *since + GRACE).then(|| error.clone())
    }

    /// The end at the deadline.
    pub(super) fn out_of_time(&self) -> Ended {
        match (&self.trouble, &self.waiting_for) {
            (Some((_, error)), _) => Ended::Failed(error.clone()),
            (None, Some(waiting)) => Ended::Waiting(waiting.error()),
            (None, None) => Ended::Failed(failure::silent(&self.server)),
        }
    }

    fn note_trouble(&mut self, text: Option<&str>, now: Instant) {
        self.trouble = text.map(|text| {
            let since = self.trouble.as_ref().map_or(now, |(since, _)| *since);
            (since, failure::troubled(text, &self.server))
        });
    }

    fn waiting(&self, message: &Notify) -> Option<Waiting> {
        if message.state == Some(State::NeedsMachineAuth) {
            return Some(Waiting::for_approval());
        }
        let url = message.browse_to_url.as_ref().filter(|url| !url.is_empty())?;
        Some(Waiting::for_login(url))
    }
}

impl Waiting {
    /// An administrator must admit the device.
    pub(super) fn for_approval() -> Self {
        Waiting {
            reason: "an administrator must approve this device".to_owned(),
            url: Some("https://login.tailscale.com/admin/machines".to_owned()),
            kind: ErrorKind::Denied,
            code: "device-approval",
        }
    }

    /// Somebody must log in by hand.
    pub(super) fn for_login(url: &str) -> Self {
        Waiting {
            reason: "somebody must open this page and log the node in".to_owned(),
            url: Some(url.to_owned()),
            kind: ErrorKind::Auth,
            code: "login-needed",
        }
    }

    pub(super) fn error(&self) -> Error {
        let error = Error::new(self.kind, self.code, self.reason.clone());
        match &self.url {
            Some(url) => error.fix(format!("open {url}, or give a key: joinKey=file:PATH")),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(progress: &mut Progress, text: &str, now: Instant) -> Verdict {
        progress.hear(&serde_json::from_str(text).unwrap(), now)
    }

    fn login_state(error: &str) -> String {
        serde_json::json!({"Health": {"Warnings": {"login-state": {"Args": {"error": error}}}}})
            .to_string()
    }

    fn code(verdict: &Verdict) -> Option<&str> {
        if let Verdict::Failed(error) = verdict { Some(&error.code) } else { None }
    }

    #[test]
    fn a_good_login_ends_with_a_look() {
        let (mut progress, now) = (Progress::new("http://hs"), Instant::now());
        for (message, verdict) in [
            (r#"{"State":2,"SessionID":"a"}"#, Verdict::Wait),
            (r#"{"State":2}"#, Verdict::Wait),
            (r#"{"Health":{"Warnings":{"warming-up":{}}}}"#, Verdict::Wait),
            (r#"{"Prefs":{}}"#, Verdict::Wait),
            (r#"{"State":5}"#, Verdict::Look),
        ] {
            assert_eq!(hear(&mut progress, message, now), verdict, "{message}");
        }
    }

    #[test]
    fn a_refusal_is_final_at_once() {
        let (mut progress, now) = (Progress::new("http://hs"), Instant::now());
        let verdict = hear(&mut progress, r#"{"ErrMessage":"authkey expired"}"#, now);
        assert_eq!(code(&verdict), Some("auth-key-expired"));
    }

    #[test]
    fn a_slow_reader_is_no_refusal() {
        let (mut progress, now) = (Progress::new("http://hs"), Instant::now());
        let text = r#"{"ErrMessage":"IPN bus consumer fell behind; closing watch"}"#;
        assert_eq!(hear(&mut progress, text, now), Verdict::Wait);
    }

    #[test]
    fn trouble_that_may_pass_has_three_seconds() {
        let (mut progress, start) = (Progress::new("http://hs"), Instant::now());
        let refused = login_state("fetch control key: connection refused");
        assert_eq!(hear(&mut progress, &refused, start), Verdict::Wait);
        assert_eq!(progress.patience_ends(), Some(start + GRACE));
        let later = hear(&mut progress, &refused, start + GRACE);
        assert_eq!(code(&later), Some("control-refused"));
    }

    #[test]
    fn trouble_that_passed_is_forgotten() {
        let (mut progress, start) = (Progress::new("http://hs"), Instant::now());
        hear(&mut progress, &login_state("fetch control key: connection refused"), start);
        hear(&mut progress, r#"{"Health":{"Warnings":null}}"#, start);
        assert_eq!(progress.failed(start + GRACE), None);
        let ended = progress.out_of_time();
        assert!(matches!(ended, Ended::Failed(error) if error.code == "control-silent"));
    }

    #[test]
    fn trouble_that_does_not_pass_is_final_at_once() {
        let (mut progress, now) = (Progress::new("http://hs"), Instant::now());
        let verdict = hear(&mut progress, &login_state("fetch control key: 404 Not Found"), now);
        assert_eq!(code(&verdict), Some("control-not-one"));
    }

    #[test]
    fn somebody_who_must_act_is_told_and_named_at_the_deadline() {
        let (mut progress, now) = (Progress::new(""), Instant::now());
        let verdict = hear(&mut progress, r#"{"State":3}"#, now);
        assert_eq!(verdict, Verdict::Tell(Waiting::for_approval()));
        let ended = progress.out_of_time();
        assert!(matches!(ended, Ended::Waiting(error) if error.kind == ErrorKind::Denied));
        let verdict = hear(&mut progress, r#"{"BrowseToURL":"https://x/a/1"}"#, now);
        assert_eq!(verdict, Verdict::Tell(Waiting::for_login("https://x/a/1")));
    }
}
