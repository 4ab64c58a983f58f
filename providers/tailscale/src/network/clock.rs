//! Whether this machine's clock agrees with the control server's: each of its answers has a
//! `Date` (RFC 9110, section 6.6.1).

use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use provider_api::{Finding, Severity};
use reqwest::header::DATE;
use reqwest::{Client, redirect};

/// A server that takes longer says nothing of the time.
const PATIENCE: Duration = Duration::from_secs(3);
/// A clock that is further off is worth a word.
const FAR: SignedDuration = SignedDuration::from_secs(60);

/// What is wrong with the clock. A server that cannot be asked is told of elsewhere.
pub(super) async fn finding(server: &str) -> Option<Finding> {
    // Fails where one is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
    let answer = client.build().ok()?.get(format!("{}/key?v=142", server.trim_end_matches('/')));
    let answer = answer.send().await.ok()?;
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    judge(date, Timestamp::now())
}

fn judge(date: &str, now: Timestamp) -> Option<Finding> {
    let there = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let ahead = now.duration_since(there);
    let which = if ahead.is_positive() { "ahead of" } else { "behind" };
    (ahead.abs() > FAR).then(|| {
        let seconds = ahead.abs().as_secs();
        let what = format!("this machine's clock is {seconds} s {which} the control server's");
        let why = "keys and certificates seem to have expired, or not to be valid yet";
        Finding::new(Severity::Warning, "clock-skew", what, why)
            .fix("timedatectl set-ntp true; on a virtual machine, see to its host's clock too")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn a_minute_either_way_is_worth_a_word() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let told = |time: &str| {
            judge(&format!("Mon, 23 Nov 2026 {time} GMT"), now).map(|finding| finding.what)
        };
        assert_eq!(told("12:00:00"), None);
        assert_eq!(told("11:59:00"), None);
        let words =
            |words: &str| Some(format!("this machine's clock is {words} the control server's"));
        assert_eq!(told("11:58:59"), words("61 s ahead of"));
        assert_eq!(told("13:00:00"), words("3600 s behind"));
        assert_eq!(judge("yesterday", now), None);
    }

    #[tokio::test]
    async fn a_servers_date_is_read_whatever_it_answers() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        let answers = async {
            let (mut client, _) = server.accept().await.unwrap();
            let mut request = [0; 1024];
            assert!(client.read(&mut request).await.unwrap() > 0);
            let answer = b"HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\n\
                           Content-Length: 0\r\n\r\n";
            client.write_all(answer).await.unwrap();
        };
        let (told, ()) = tokio::join!(finding(&url), answers);
        assert_eq!(told.map(|finding| finding.code).as_deref(), Some("clock-skew"));
    }
}
