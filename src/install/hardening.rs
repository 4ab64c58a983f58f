//! What the service may do, and no more.
//!
//! Nothing here may give it a mount namespace of its own: the canary's network namespace is
//! pinned below `/run`, must be seen by everybody on the machine, and outlives the service.

/// What it needs of root's power, and what for.
pub const CAPABILITIES: [(&str, &str); 4] = [
    ("CAP_CHOWN", "to give the control socket to the group that may read it"),
    ("CAP_NET_ADMIN", "to make the pod bridge, its routes, rules and packet filter"),
    ("CAP_NET_RAW", "to probe other nodes with echo requests"),
    ("CAP_SYS_ADMIN", "to make, pin and enter the canary's network namespace"),
];

/// The lines of the section `[Service]` that take everything else away.
pub(super) fn lines() -> Vec<String> {
    let capabilities = CAPABILITIES.map(|(name, _)| name).join(" ");
    let bounding = format!("CapabilityBoundingSet={capabilities}");
    std::iter::once(bounding).chain(OTHERS.map(str::to_owned)).collect()
}

const OTHERS: [&str; 15] = [
    "NoNewPrivileges=yes",
    "DevicePolicy=closed",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "ProtectClock=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "RestrictNamespaces=net",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service mount umount2",
    "SystemCallFilter=~@resources @setuid capset",
    "KeyringMode=private",
    "UMask=0077",
];
