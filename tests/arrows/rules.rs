//! The tokens that have their place, and why.

/// Tokens in a row that belong to a few places only.
pub(crate) struct Rule {
    pub(crate) row: &'static [&'static str],
    /// The folders and files that it is about; all where empty.
    pub(crate) inside: &'static [&'static str],
    /// The folders and files that it leaves alone.
    pub(crate) except: &'static [&'static str],
    /// Whether code that only tests compile may hold them.
    pub(crate) spares_tests: bool,
    pub(crate) why: &'static str,
}

const ANYWHERE: Rule = Rule { row: &[], inside: &[], except: &[], spares_tests: false, why: "" };

pub(crate) const RULES: &[Rule] = &[
    Rule {
        row: &["process", ":", ":", "exit"],
        except: &["src/main.rs"],
        why: "main is the only exit, so that everything else cleans up after itself",
        ..ANYWHERE
    },
    Rule { row: &["unsafe"], except: &["linux/"], why: "unsafe lives in linux/ alone", ..ANYWHERE },
    Rule {
        row: &["thread", ":", ":", "sleep"],
        except: &["testenv/src/until.rs"],
        why: "a blind wait hides a race: use until(what, deadline, probe), or a timer of the runtime",
        ..ANYWHERE
    },
    Rule {
        row: &["crate", ":", ":", "cli"],
        inside: &["src/"],
        except: &["src/cli/", "src/main.rs"],
        why: "commands stand on the host and the settings, never the other way round",
        ..ANYWHERE
    },
    Rule {
        row: &["crate", ":", ":", "host"],
        inside: &["src/settings/", "src/proof/", "src/secrets/"],
        why: "settings, proof and secrets are what the host stands on",
        ..ANYWHERE
    },
    Rule { row: &["tokio"], inside: PURE, spares_tests: true, why: DECIDES, ..ANYWHERE },
    Rule {
        row: &["std", ":", ":", "fs"],
        inside: PURE,
        spares_tests: true,
        why: DECIDES,
        ..ANYWHERE
    },
    Rule {
        row: &["std", ":", ":", "env"],
        inside: PURE,
        spares_tests: true,
        why: DECIDES,
        ..ANYWHERE
    },
    Rule {
        row: &[":", ":", "now", "("],
        inside: PURE,
        spares_tests: true,
        why: DECIDES,
        ..ANYWHERE
    },
    Rule { row: &["println", "!"], spares_tests: true, why: PRINT, ..ANYWHERE },
    Rule { row: &["print", "!"], spares_tests: true, why: PRINT, ..ANYWHERE },
    Rule { row: &["eprintln", "!"], spares_tests: true, why: PRINT, ..ANYWHERE },
    Rule { row: &["eprint", "!"], spares_tests: true, why: PRINT, ..ANYWHERE },
    Rule { row: &["dbg", "!"], why: LEFTOVER, ..ANYWHERE },
    Rule { row: &["todo", "!"], why: LEFTOVER, ..ANYWHERE },
    Rule { row: &["unimplemented", "!"], why: LEFTOVER, ..ANYWHERE },
];

/// What decides, and nothing else.
const PURE: &[&str] = &[
    "src/settings/",
    "src/checks/",
    "src/stage.rs",
    "src/host/judge.rs",
    "src/host/kinship.rs",
    "src/proof/verdict.rs",
    "src/proof/cause.rs",
    "src/proof/told",
    "providers/api/",
    "providers/tailscale/src/prefs/",
    "providers/tailscale/src/policy/",
    "providers/tailscale/src/extra_args/",
    "providers/tailscale/src/route_stage/",
    "providers/tailscale/src/control_url.rs",
    "providers/tailscale/src/join/failure.rs",
    "providers/tailscale/src/join/progress.rs",
    "providers/tailscale/src/join/situation.rs",
];
const DECIDES: &str = "what decides is pure, and is handed the time and the facts";
const PRINT: &str = "output goes through a writer that was handed in, so that it can be tested";
const LEFTOVER: &str = "this is for the time before a commit";
