//! Whose nodes a policy is about, as it writes them.

use provider_api::{Error, PolicySubject, Result};

use crate::control_url::ControlKind;

/// The subject as a policy of this kind of server writes it.
///
/// # Errors
/// [`ErrorKind::Settings`](provider_api::ErrorKind::Settings) where no policy can name it.
pub(super) fn name(kind: ControlKind, subject: &PolicySubject) -> Result<String> {
    match (subject, kind) {
        (PolicySubject::Tag(tag), _) => tag_name(tag),
        (PolicySubject::User(user), ControlKind::Tailscale) => user_name(user, user.contains('@')),
        (PolicySubject::User(user), ControlKind::SelfHosted) => {
            let name = user_name(user, true)?;
            Ok(if name.contains('@') { name } else { name + "@" })
        }
    }
}

/// As `tailcfg/tailcfg.go` checks it (`CheckTag`).
fn tag_name(tag: &str) -> Result<String> {
    let name = tag.strip_prefix("tag:").unwrap_or(tag);
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if good {
        return Ok(format!("tag:{name}"));
    }
    let what = format!("`{tag}` is no tag: letters, digits and `-` after a first letter");
    Err(Error::settings("policy-tag-invalid", what).fix("tag:k8s"))
}

fn user_name(user: &str, complete: bool) -> Result<String> {
    let good = !user.is_empty()
        && !user.chars().any(|c| c.is_whitespace() || c.is_control() || "\"\\,:".contains(c));
    if good && complete {
        return Ok(user.to_owned());
    }
    let what = format!("`{user}` is no user that a policy can name");
    Err(Error::settings("policy-user-invalid", what)
        .fix("Tailscale: alice@example.com\nheadscale: k8s"))
}
