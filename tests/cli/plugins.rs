//! Providers that are plugins: here a shell script that knows its introduction and a policy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use provider_api::ErrorKind;

use crate::machine::{Machine, refusal};

/// A plugin of this name, on a machine of its own.
struct Installed {
    machine: Machine,
    folder: PathBuf,
}

fn installed(name: &str, script: &str) -> Installed {
    let machine = Machine::new();
    let folder = machine.folder().join("plugins");
    fs::create_dir(&folder).expect("a folder");
    machine.file(&format!("plugins/moorline-{name}"), 0o755, script);
    let machine = machine.with("MOORLINE_PLUGIN_DIR", folder.display().to_string());
    Installed { machine, folder }
}

const POLICY: [&str; 7] = ["policy", "print", "--provider", "paper", "--tag", "tag:k8s", "--json"];

/// Answers the two requests that a policy needs.
fn paper() -> String {
    let manifest = r#"{"name":"paper","summary":"A VPN on paper","contract":1,"keys":[{"name":"colour","secret":false,"help":"The colour"}],"capabilities":{"routes":"provider","approval":true,"ipv4":true,"ipv6":false,"live_routes":true,"marks":[],"tables":[],"rules":[],"ports":[],"interfaces":["paper0"],"ranges":[]}}"#;
    format!(
        r#"#!/bin/sh
while IFS= read -r line; do
    id=${{line#*\"id\":}} id=${{id%%,*}}
    case $line in
        *'"initialize"'*) result='{{"protocol":1,"manifest":{manifest}}}';;
        *'"policy"'*) result='"write 10.42.0.0/16 down\n"';;
    esac
    printf '{{"jsonrpc":"2.0","id":%s,"result":%s}}\n' "$id" "$result"
done
"#
    )
}

#[test]
fn a_provider_that_is_not_built_in_is_a_plugin() {
    let Installed { machine, .. } = installed("paper", &paper());
    let words: Vec<&str> = POLICY.iter().copied().filter(|word| *word != "--json").collect();
    let output = machine.run(&words);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "write 10.42.0.0/16 down\n", "{output:?}");
}

#[test]
fn its_keys_are_those_of_its_manifest() {
    let Installed { machine, .. } = installed("paper", &paper());
    let error = machine.refuses(&["--vpn-auth", "name=paper,color=red"]);
    assert!(error.what.contains("`color`"), "{error:?}");
    assert!(error.fix.is_some_and(|fix| fix.contains("colour")));
}

#[test]
fn a_plugin_that_others_can_write_is_not_run() {
    let ran = |mode| {
        let Installed { machine, folder } = installed("paper", "#!/bin/sh\ntouch $0.ran\n");
        let plugin = folder.join("moorline-paper");
        fs::set_permissions(&plugin, Permissions::from_mode(mode)).expect("chmod");
        let output = machine.run(&POLICY);
        (refusal(&output), folder.join("moorline-paper.ran").exists())
    };
    let (error, ran_open) = ran(0o757);
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "plugin-open-to-others"));
    let (error, ran_closed) = ran(0o755);
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-ended"));
    assert_eq!((ran_open, ran_closed), (false, true));
}

#[test]
fn a_name_that_nobody_has_is_still_unknown() {
    let Installed { machine, .. } = installed("paper", &paper());
    let error = machine.refuses(&["--provider", "stone"]);
    assert_eq!(error.code, "provider-unknown");
}

#[test]
fn a_broken_plugin_is_no_trouble_for_other_providers() {
    let Installed { machine, folder } = installed("paper", "#!/bin/sh\ntouch $0.ran\n");
    let output = machine.run(&["policy", "print", "--tag", "tag:k8s"]);
    assert!(output.status.success(), "{output:?}");
    assert!(!folder.join("moorline-paper.ran").exists());
}

#[test]
fn a_folder_that_is_none_is_named() {
    let machine = Machine::new().with("MOORLINE_PLUGIN_DIR", "/nowhere/at/all");
    let error = machine.refuses(&["--provider", "stone"]);
    assert_eq!(error.code, "plugin-dir");
    assert!(error.what.contains("/nowhere/at/all"), "{error:?}");
}
