use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Joining",
    intro: "",
    rows: &[
        Row(
            "auth-key-missing",
            "exit 3",
            "The node is not enrolled, and no `joinKey` is set.",
            "Make a key and name it: `joinKey=file:/etc/moorline/key`.",
        ),
        Row(
            "auth-key-invalid",
            "exit 3",
            "The control server does not know the key.",
            "A new key.",
        ),
        Row("auth-key-expired", "exit 3", "The key has expired.", "A new key."),
        Row(
            "auth-key-used",
            "exit 3",
            "The key was for one node and has been used.",
            "A new key, `--reusable` for several nodes.",
        ),
        Row("auth-key-revoked", "exit 3", "The key was revoked.", "A new key."),
        Row(
            "auth-key-kind",
            "exit 3",
            "`joinKey` holds another kind of secret: an OAuth client's, or an API key.",
            "An auth key; an API key goes into `controlAPIKey`.",
        ),
        Row(
            "tags-refused",
            "exit 4",
            "The control server refuses the tags of `--advertise-tags`.",
            "Leave the flag out and put the tags into the key.",
        ),
        Row(
            "tags-need-login",
            "exit 5",
            "The node is enrolled without the tags that `--advertise-tags` asks for.",
            "Set them at the control server, or leave the flag out.",
        ),
        Row(
            "entry-expired",
            "exit 4",
            "The control server keeps this machine's old entry expired, whatever the key. headscale does so with a node with tags that was logged out, as by `moorline leave`.",
            "`headscale nodes expire --disable -i ID`: same name and addresses; or `headscale nodes delete -i ID`. Then `moorline up` again.",
        ),
        Row(
            "login-refused",
            "exit 4",
            "The control server refuses the node, in words that Moorline does not know; they are quoted.",
            "What they say.",
        ),
        Row(
            "other-control-server",
            "exit 5",
            "The node belongs to another control server than `controlServerURL`.",
            "Leave `controlServerURL` out to stay; `moorline up --move` to move.",
        ),
        Row(
            "other-daemon",
            "exit 5",
            "The node joined through the tailscaled at another socket: what was changed there would stay changed.",
            "The earlier `socket=`, or `moorline leave` first.",
        ),
        Row(
            "logout-failed",
            "exit 4 or 7",
            "All else is taken back, and the node could not be logged out: the control server is away, say.",
            "`moorline leave` again, or `moorline leave --keep-enrolled`.",
        ),
        Row(
            "not-enrolled",
            "error",
            "The node was never logged in: its first `up` did not come that far.",
            "`moorline up`.",
        ),
        Row(
            "logged-out",
            "error, exit 4",
            "The node was logged out on purpose since Moorline joined it.",
            "`moorline up --rejoin` with a key, or `moorline leave`.",
        ),
        Row(
            "state-lost",
            "error, exit 4",
            "tailscaled came back without the login that it had when it went away: its state was wiped. `moorline run` with a `joinKey` joins again by itself; one that was not running then takes it for a logout.",
            "`moorline up --rejoin` with a key.",
        ),
        Row(
            "expired",
            "error, exit 4",
            "The node's key has expired at the control server.",
            "`moorline up --rejoin` with a key; disable key expiry, or use a tagged key.",
        ),
        Row(
            "deleted",
            "error, exit 4",
            "The control server deleted the node, or let it expire.",
            "`moorline up --rejoin` with a key.",
        ),
        Row(
            "device-approval",
            "error, exit 4",
            "An administrator must approve this device.",
            "The printed page.",
        ),
        Row(
            "login-needed",
            "exit 3",
            "Somebody must log the node in by hand.",
            "The printed page, or a `joinKey`.",
        ),
        Row(
            "stopped",
            "error, exit 4",
            "The VPN was switched off on this node since Moorline joined it.",
            "`tailscale up`, or `moorline up --rejoin`.",
        ),
    ],
};
