use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "The control server",
    intro: "",
    rows: &[
        Row(
            "control-url-invalid",
            "exit 2",
            "`controlServerURL` is no URL of a control server.",
            "`https://HOST` or `http://HOST:PORT`.",
        ),
        Row(
            "control-name",
            "exit 7",
            "Its name does not resolve.",
            "Check the name and this node's DNS.",
        ),
        Row(
            "control-refused",
            "exit 7",
            "Nothing listens at its address.",
            "Start it, or check the port.",
        ),
        Row(
            "control-unreachable",
            "exit 7",
            "This node has no route there, or nobody has that address.",
            "Check the address and `ip route get ADDRESS`.",
        ),
        Row(
            "control-silent",
            "exit 7",
            "Nothing was heard before the deadline: packets may be dropped on the way.",
            "`curl -v URL/key?v=142` from this node.",
        ),
        Row(
            "control-reset",
            "exit 7",
            "It ends the connection; perhaps it speaks https and the URL says http, or the other way round.",
            "Check the scheme.",
        ),
        Row(
            "control-scheme",
            "exit 2",
            "It speaks http, and the URL says https; or the other way round.",
            "The other scheme in the URL.",
        ),
        Row(
            "control-failing",
            "exit 7",
            "It, or the proxy in front of it, answers with a failure of its own.",
            "Its log.",
        ),
        Row(
            "control-certificate",
            "exit 2",
            "Its certificate is not trusted here.",
            "Put its authority into the trust store and restart tailscaled.",
        ),
        Row(
            "control-not-one",
            "exit 2",
            "Something answers there that is no control server.",
            "Check `controlServerURL`.",
        ),
        Row(
            "control-too-new",
            "exit 6",
            "It does not take this version of tailscaled.",
            "Update tailscaled.",
        ),
        Row("control-busy", "exit 7", "It wants fewer attempts for now.", "Wait a minute."),
        Row(
            "control-trouble",
            "exit 7",
            "It cannot be used, for a reason that Moorline does not know; tailscaled's words are quoted.",
            "What they say.",
        ),
        Row(
            "clock-skew",
            "warning",
            "This machine's clock is more than a minute away from the control server's: keys and certificates seem to have expired, or not to be valid yet.",
            "`timedatectl set-ntp true`, or the clock of a virtual machine's host.",
        ),
    ],
};
