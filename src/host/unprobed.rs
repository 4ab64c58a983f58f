//! Why nobody could be asked.

use provider_api::{Finding, Severity};

use crate::host::{Directories, NetworkState, pod_network};

/// Why this machine let nobody be asked: nothing is known then, which never counts as good.
pub(super) fn finding(state: &NetworkState, directories: &Directories) -> Finding {
    why(state, linux::Namespace::is_pinned(&directories.canary()))
}

fn why(state: &NetworkState, canary_is_there: bool) -> Finding {
    let pod_cidrs = &state.desired.pod_cidrs;
    if !pod_cidrs.is_empty() && !canary_is_there {
        return Finding::new(
            Severity::Error,
            "canary-missing",
            format!("there is no canary of {} on this machine", pod_network::list(pod_cidrs)),
            "nothing can be proven without it; a reboot takes it away, with the guards around the \
             pods' traffic",
        )
        .fix("moorline up");
    }
    Finding::new(
        Severity::Warning,
        "cannot-probe",
        "this machine lets nobody be asked",
        "nothing is known of the way to other nodes' pods",
    )
    .fix("as root: moorline status --verbose")
}
