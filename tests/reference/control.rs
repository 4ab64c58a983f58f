use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Asking the service",
    intro: "",
    rows: &[
        Row(
            "no-service",
            "exit 7",
            "A command that needs the running service found none.",
            "`systemctl start moorline`, or `moorline install`.",
        ),
        Row(
            "service-denied",
            "exit 4",
            "This user may not ask the service.",
            "As root; the group `moorline` may read.",
        ),
        Row(
            "service-root-only",
            "exit 4",
            "Only root, or whoever runs the service, may change what it does.",
            "As root.",
        ),
        Row(
            "service-socket",
            "exit 4",
            "The service cannot make its control socket.",
            "As root, or another `--run-dir`.",
        ),
        Row(
            "service-silent",
            "exit 7",
            "The service does not answer at its control socket.",
            "`systemctl status moorline`.",
        ),
        Row(
            "service-busy",
            "exit 7",
            "Too many others talk to the service at this moment.",
            "`fuser` on the socket shows who.",
        ),
        Row(
            "service-call",
            "exit 2",
            "The service has no such call, or it is called with another method.",
            "The calls are [listed](control-socket.md).",
        ),
        Row(
            "service-request",
            "exit 2",
            "The service does not understand what it is told: too large, too slow, or of another version.",
            "`systemctl restart moorline` after an upgrade.",
        ),
        Row(
            "service-answer",
            "exit 6",
            "What the service answers is not understood: it is of another version.",
            "`systemctl restart moorline`.",
        ),
        Row(
            "other-state-dir",
            "exit 5",
            "The running service keeps its state in another directory than this command names.",
            "Leave `--state-dir` out, or stop the service.",
        ),
        Row(
            "metrics-address",
            "exit 2",
            "The address for metrics is none of this machine alone, or no address with a port.",
            "As in `127.0.0.1:9753`.",
        ),
        Row(
            "metrics-address-taken",
            "exit 5",
            "Somebody else listens at the address for metrics.",
            "Another port; the printed command shows who it is.",
        ),
    ],
};
