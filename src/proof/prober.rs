//! Asks the peers' canaries.

use super::{Request, Verdict};

/// Probes, and judges.
pub async fn prove(_request: &Request) -> linux::Result<Verdict> {
    Ok(Verdict { outcome: super::Outcome::Unknown, peers: Vec::new(), findings: Vec::new() })
}
