use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "`--vpn-auth` and extraArgs",
    intro: "The grammar is in the [reference of `--vpn-auth`](vpn-auth.md).",
    rows: &[
        Row("vpn-auth-bare-word", "exit 2", "A piece is not `key=value`.", "Write it as a pair."),
        Row(
            "vpn-auth-unknown-key",
            "exit 2",
            "A key is not the provider's.",
            "The known ones are listed.",
        ),
        Row("vpn-auth-doubled-key", "exit 2", "A key is given twice.", "Keep one."),
        Row(
            "vpn-auth-empty-value",
            "exit 2",
            "A key has no value.",
            "Give one, or leave the key out.",
        ),
        Row(
            "vpn-auth-extra-args-not-last",
            "exit 2",
            "A key stands after `extraArgs`, which takes all that follows.",
            "Move `extraArgs` to the end.",
        ),
        Row("vpn-auth-quote", "exit 2", "A quote in `extraArgs` is never closed.", "Close it."),
        Row(
            "vpn-auth-disagree",
            "exit 2",
            "Two sources of the same rank say different things.",
            "Keep one of the two.",
        ),
        Row(
            "vpn-auth-left-out",
            "info",
            "A source of lower rank is for another provider, and is left out.",
            "Nothing, if that is meant.",
        ),
        Row(
            "provider-missing",
            "exit 2",
            "No provider is named.",
            "`name=NAME` in `--vpn-auth`, or `--provider NAME`.",
        ),
        Row(
            "provider-unknown",
            "exit 2",
            "No provider has that name.",
            "The known ones are listed.",
        ),
        Row(
            "provider-disagree",
            "exit 2",
            "Two sources of the same rank name different providers.",
            "Keep one of the two.",
        ),
        Row("socket-path", "exit 2", "`socket` is no absolute path.", "The path from the root."),
        Row(
            "extra-args-word",
            "exit 2",
            "A word of extraArgs is no flag. It is not shown: it may be a key.",
            "`--flag=value`.",
        ),
        Row("extra-args-unknown", "exit 2", "A flag is not known.", "The known ones are listed."),
        Row(
            "extra-args-value",
            "exit 2",
            "A flag lacks its value, or has a wrong one.",
            "What the message says.",
        ),
        Row(
            "extra-args-needed",
            "exit 2",
            "A flag asks for the opposite of what Moorline needs.",
            "Leave it out.",
        ),
        Row(
            "extra-args-refused",
            "exit 2",
            "A flag is not taken; the message says what to use.",
            "Leave it out.",
        ),
    ],
};
