use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Secrets",
    intro: "",
    rows: &[
        Row(
            "literal-key",
            "info or warning",
            "A key stands in the open, where others can read it. It is never stored: the service cannot join again with it after a restart, and says so.",
            "A reference: `file:`, `env:`, `cred:` or `keyring:`.",
        ),
        Row(
            "secret-ref",
            "exit 2",
            "A reference to a secret has no good path or name.",
            "`file:/PATH`, `env:NAME`, `cred:NAME`, `keyring:NAME`.",
        ),
        Row(
            "secret-missing",
            "exit 2",
            "The variable, credential or key that is pointed at does not exist, or has expired.",
            "The printed command or `LoadCredential=` line.",
        ),
        Row(
            "secret-typed",
            "exit 2",
            "A secret stands on the command line of `moorline secret set`: everybody on this machine saw it, and the shell's history keeps it.",
            "A new secret, on standard input.",
        ),
        Row("secret-file", "exit 2 or 4", "The file cannot be read.", "Its path, or root."),
        Row("secret-file-mode", "exit 2", "Others can read the file.", "The printed `chmod`."),
        Row(
            "secret-file-owner",
            "exit 2",
            "The file belongs to somebody else.",
            "The printed `chown`.",
        ),
        Row(
            "secret-file-long",
            "exit 2",
            "The file is too long to be a secret.",
            "Check the path.",
        ),
        Row("secret-empty", "exit 2", "There is nothing in that place.", "Put the secret there."),
        Row(
            "secret-lines",
            "exit 2",
            "There is more than one line in that place.",
            "The secret, and nothing else.",
        ),
        Row("secret-not-text", "exit 2", "There are bytes that are no text.", "Set it again."),
        Row(
            "keyring",
            "exit 6",
            "The kernel refuses its keyring, as it does in many containers.",
            "`file:` or `cred:`.",
        ),
    ],
};
