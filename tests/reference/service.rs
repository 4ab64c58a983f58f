use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "The service",
    intro: "",
    rows: &[
        Row(
            "no-systemd",
            "warning",
            "This machine has no systemd: `install` writes the settings, and nothing starts the service.",
            "Have your supervisor keep the printed command running.",
        ),
        Row(
            "systemd-asleep",
            "info",
            "systemd is installed and does not run now, as in an image that is being built.",
            "The next start.",
        ),
        Row(
            "credential-missing",
            "exit 2",
            "A `cred:` reference names a credential that is in none of systemd's stores.",
            "The printed `systemd-creds` command.",
        ),
        Row(
            "env-of-a-service",
            "exit 2",
            "An `env:` reference: the service has another environment than your shell.",
            "The printed command puts the secret into a file.",
        ),
        Row(
            "install-program",
            "exit 2",
            "Somebody else than root can change the program that the service would run as root.",
            "The printed command installs it elsewhere.",
        ),
        Row(
            "install-in-the-way",
            "exit 5",
            "A file that `install` would write holds what somebody else put there. Nothing was changed.",
            "The printed commands.",
        ),
        Row(
            "install-file",
            "exit 4 or 7",
            "A file cannot be read or written.",
            "Root, or room on the disk.",
        ),
        Row(
            "install-record",
            "exit 2 or 6",
            "The record of what `install` wrote is damaged, or of a newer version.",
            "A backup, or the newer version.",
        ),
        Row(
            "install-file-stays",
            "info",
            "`uninstall` leaves a file that somebody changed after `install` wrote it.",
            "`rm`, where it is not needed.",
        ),
        Row(
            "purge-folder-stays",
            "info",
            "`uninstall --purge` leaves a folder with files that Moorline did not put there.",
            "`ls -la` shows them.",
        ),
        Row(
            "purge-forgot",
            "warning",
            "`uninstall --purge --forget` did not take back what was changed in the VPN's daemon, which is away.",
            "Nothing, where the daemon is gone for good.",
        ),
        Row(
            "systemctl",
            "exit 6 or 7",
            "`systemctl` cannot be run, or failed; its words are quoted.",
            "The same command by hand.",
        ),
    ],
};
