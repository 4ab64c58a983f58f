//! The command line: what was typed, one file a command, and what is printed.
//!
//! ```text
//!   main ─▶ Cli ─▶ sources ─▶ settings ─▶ host ─▶ report ─▶ render ─▶ exit code
//! ```
//!
//! Answers go to standard output; progress, warnings and errors to standard error.

mod arguments;
mod completions;
mod doctor;
#[cfg(test)]
mod documents;
mod exit;
mod follow;
mod install;
mod leave;
mod logging;
mod man;
mod output;
mod policy;
mod progress;
mod reconcile;
mod render;
mod run;
mod secret;
mod signals;
mod sources;
mod status;
mod typed;
mod uninstall;
mod up;
mod variables;

use clap::{Parser, Subcommand};
use provider_api::Error;

pub use exit::Exit;
pub use typed::parse;

/// Everything that can be typed.
#[derive(Debug, Parser)]
#[command(
    name = "moorline",
    version,
    about = "Joins Kubernetes nodes that share no network into one cluster, over the VPN of your choice",
    after_help = exit::help(EXAMPLES),
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    place: arguments::Place,
    #[command(subcommand)]
    command: Command,
}

/// What people type most.
const EXAMPLES: &str = "\
EXAMPLES
  Join, advertise this node's pods, and wait until a packet crossed to another node's:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key --pod-cidr 10.42.3.0/24

  See what that would change, without changing it:
    moorline up --vpn-auth=name=tailscale,joinKey=file:/etc/moorline/key --dry-run

  How this node stands:
    moorline status

  What the control server's policy must hold:
    moorline policy print --tag tag:k8s --server headscale";

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Arguments),
    Run(run::Arguments),
    Status(status::Arguments),
    Reconcile(reconcile::Arguments),
    Doctor(doctor::Arguments),
    Leave(leave::Arguments),
    Install(install::Arguments),
    Uninstall(uninstall::Arguments),
    Secret(secret::Arguments),
    Policy(policy::Arguments),
    #[command(hide = true)]
    Completions(completions::Arguments),
    #[command(hide = true)]
    Man(man::Arguments),
}

/// Runs what was typed, prints what it comes to, and says how the process ends.
pub fn run(cli: &Cli) -> Exit {
    logging::start(cli.place.verbose);
    let json = cli.command.wants_json();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => output::end(runtime.block_on(cli.answer()), json),
        Err(error) => {
            let error = Error::unavailable("kernel", format!("cannot wait for events: {error}"));
            output::end(Err(error.into()), json)
        }
    }
}

impl Cli {
    async fn answer(&self) -> output::Answer {
        match &self.command {
            Command::Up(arguments) => up::run(arguments, &self.place).await,
            Command::Run(arguments) => run::run(arguments, &self.place).await,
            Command::Status(arguments) => status::run(arguments, &self.place).await,
            Command::Reconcile(arguments) => reconcile::run(arguments, &self.place).await,
            Command::Doctor(arguments) => doctor::run(arguments, &self.place).await,
            Command::Leave(arguments) => leave::run(arguments, &self.place).await,
            Command::Install(arguments) => install::run(arguments, &self.place).await,
            Command::Uninstall(arguments) => uninstall::run(arguments, &self.place).await,
            Command::Secret(arguments) => secret::run(arguments, &self.place).await,
            Command::Policy(arguments) => policy::run(arguments, &self.place),
            Command::Completions(arguments) => completions::run(arguments),
            Command::Man(arguments) => man::run(arguments),
        }
    }
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Command::Up(arguments) => arguments.json,
            Command::Status(arguments) => arguments.json,
            Command::Reconcile(arguments) => arguments.json,
            Command::Doctor(arguments) => arguments.json,
            Command::Leave(arguments) => arguments.json,
            Command::Install(arguments) => arguments.json,
            Command::Uninstall(arguments) => arguments.json,
            Command::Secret(arguments) => arguments.wants_json(),
            Command::Policy(arguments) => arguments.wants_json(),
            Command::Run(_) | Command::Completions(_) | Command::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
