use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Plugins",
    intro: "How a plugin is called and what it may take is in [the plugin protocol](../plugin-protocol.md).",
    rows: &[
        Row(
            "plugin-dir",
            "exit 2",
            "`MOORLINE_PLUGIN_DIR` names no folder.",
            "Unset it, or name one.",
        ),
        Row(
            "plugin-open-to-others",
            "exit 4",
            "Somebody else than root can change the plugin, or a folder that it is in: it would run with Moorline's rights.",
            "The printed `chown` and `chmod`.",
        ),
        Row(
            "plugin-start",
            "exit 7",
            "The plugin cannot be started; the kernel's words are quoted.",
            "Install it again.",
        ),
        Row(
            "plugin-version",
            "exit 6",
            "The plugin speaks another version, or is another provider than its file's name says.",
            "The plugin that was made for this Moorline; after an upgrade of it, a restart.",
        ),
        Row(
            "plugin-ended",
            "exit 7",
            "The plugin ended by itself, or somebody ended it. The next call starts it again, ever later where it goes on so.",
            "`moorline -vv` shows what it printed.",
        ),
        Row(
            "plugin-hung",
            "exit 7",
            "The plugin did not answer in time.",
            "The same; tell whoever made it.",
        ),
        Row(
            "plugin-protocol",
            "exit 7",
            "The plugin broke the protocol, or sent too much, and was killed.",
            "Tell whoever made it.",
        ),
        Row(
            "plugin-answer",
            "exit 70",
            "The plugin answered in another shape than the contract's.",
            "Tell whoever made it.",
        ),
        Row(
            "no-call",
            "exit 70",
            "The plugin asked the host outside of a call.",
            "Tell whoever made it.",
        ),
    ],
};
