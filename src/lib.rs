//! Moorline: the host of VPN providers.
//!
//! ```text
//!   main ─▶ cli ─▶ settings          what was asked for, and where that was said
//!            └──▶ host               join → preflight → apply → observe → prove → verdict
//!                  ├─ checks         what could break, before anything is changed
//!                  ├─ proof          the canary, the probes, the verdict
//!                  ├─ secrets        file, environment, systemd credential, kernel keyring
//!                  └─ providers      the only place that names them
//! ```

pub mod bundle;
pub mod checks;
pub mod cidr;
pub mod cli;
pub mod control;
#[cfg(test)]
mod example;
pub mod fault;
pub mod host;
mod http;
pub mod install;
pub mod metrics;
pub mod node_files;
pub mod notify;
pub mod proof;
pub mod providers;
pub mod secrets;
pub mod settings;
pub mod stage;
mod trust;
