//! What can be told about the provider's own health, asking twice where once is not enough.

use jiff::Timestamp;
use provider_api::{Error, ErrorKind, Finding, Result, Severity};

use super::{Tailscale, health};
use crate::control_url::ControlUrl;

impl Tailscale {
    pub(super) async fn diagnose_all(&self) -> Vec<Finding> {
        match self.examine().await {
            Ok(findings) => findings,
            Err(error) => vec![as_finding(error)],
        }
    }

    /// A node that is deleted at headscale looks healthy until it asks anew.
    async fn examine(&self) -> Result<Vec<Finding>> {
        let (status, prefs) = self.own().await?;
        let mut findings = health::of_prefs(&prefs);
        findings
            .extend(prefs.control_url().parse::<ControlUrl>().ok().and_then(|url| url.finding()));
        let status = match status.backend_state.is_member() {
            true => {
                self.refresh().await?;
                self.api.own_status().await?
            }
            false => status,
        };
        findings.extend(health::of_status(&status, Timestamp::now()));
        Ok(findings)
    }
}

fn as_finding(error: Error) -> Finding {
    let severity = match error.kind {
        ErrorKind::Denied | ErrorKind::Unsupported => Severity::Warning,
        ErrorKind::Settings
        | ErrorKind::Auth
        | ErrorKind::Conflict
        | ErrorKind::Unavailable
        | ErrorKind::Bug => Severity::Error,
    };
    let why = "Moorline could not look further";
    Finding { fix: error.fix, ..Finding::new(severity, error.code, error.what, why) }
}
