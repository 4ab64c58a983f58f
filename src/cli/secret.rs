//! `moorline secret`.

mod prompt;

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, Subcommand};
use provider_api::{Error, ErrorKind, Result, Secret};
use serde::Serialize;

use super::arguments::{Place, secret};
use super::exit::{self, Exit};
use super::output::{self, Answer};
use super::{render, status};
use crate::secrets::{self, Entry, Keyring};
use crate::settings::{Origin, SecretRef, duration};

/// Keys in the kernel's keyring, for keyring:NAME
///
/// They are root's, are in no file, and a reboot empties the keyring. A key that is to outlive it
/// belongs into a systemd credential, cred:NAME, or a file, file:PATH.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
    List(List),
    Remove(Remove),
}

/// Put a key there: from standard input, or typed unseen
///
/// In place of an earlier one of its name. A running service takes it at its next need.
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(SET))]
struct Set {
    /// The name, as in keyring:NAME
    #[arg(value_parser = secret)]
    name: Secret,
    /// Let the key end after this time, such as 12h
    #[arg(long, value_name = "TIME")]
    expires_in: Option<String>,
    /// Only to say that it does not belong here
    #[arg(hide = true, value_parser = secret)]
    typed: Vec<Secret>,
}

/// The names of the keys, and when they end; never the keys
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(LIST))]
struct List {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Take a key away
#[derive(Debug, Args)]
#[command(after_long_help = exit::help(REMOVE))]
struct Remove {
    /// The name, as in keyring:NAME
    #[arg(value_parser = secret)]
    name: Secret,
}

const SET: &str = "\
EXAMPLES
  Type or paste it, unseen:
    moorline secret set join-key

  From a program that prints it, for a day:
    pass show headscale/join-key | moorline secret set join-key --expires-in 24h

  Join with it:
    moorline up --vpn-auth=name=tailscale,joinKey=keyring:join-key --pod-cidr 10.42.3.0/24";

const LIST: &str = "\
EXAMPLES
  What is there:
    moorline secret list";

const REMOVE: &str = "\
EXAMPLES
  Once every node has joined:
    moorline secret remove join-key";

pub(super) async fn run(arguments: &Arguments, place: &Place) -> Answer {
    let keyring = Keyring::of(&status::directories(place)?.state);
    match &arguments.command {
        Command::Set(set) => set.run(&keyring).await?,
        Command::List(list) => list.run(&keyring)?,
        Command::Remove(remove) => remove.run(&keyring)?,
    }
    Ok(Exit::Done)
}

impl Arguments {
    pub(super) fn wants_json(&self) -> bool {
        matches!(&self.command, Command::List(list) if list.json)
    }
}

impl Set {
    async fn run(&self, keyring: &Keyring) -> Result<()> {
        let name = name(&self.name)?;
        if !self.typed.is_empty() {
            return Err(on_the_command_line(&name));
        }
        let lasts = self.lasts()?;
        as_root()?;
        let found = match std::io::stdin().is_terminal() {
            true => prompt::ask(&format!("keyring:{name}: ")).await?,
            false => secrets::read_stdin()?,
        };
        keyring.set(&name, &secrets::one_line(&"standard input", &found)?, lasts)
    }

    fn lasts(&self) -> Result<Option<Duration>> {
        let origin = Origin::Flag("--expires-in".to_owned());
        self.expires_in.as_deref().map(|text| duration(text, &origin)).transpose()
    }
}

impl List {
    fn run(&self, keyring: &Keyring) -> std::result::Result<(), output::Failure> {
        as_root()?;
        let secrets = keyring.list()?;
        match self.json {
            true => output::json(&Listed { secrets }),
            false => output::text(&render::secrets::text(&secrets)),
        }
    }
}

/// What `list --json` answers.
#[derive(Serialize)]
struct Listed {
    secrets: Vec<Entry>,
}

impl Remove {
    fn run(&self, keyring: &Keyring) -> Result<()> {
        let name = name(&self.name)?;
        as_root()?;
        match keyring.remove(&name)? {
            true => Ok(()),
            false => {
                let what = format!("there is no key keyring:{name} of Moorline's");
                Err(Error::settings("secret-missing", what).fix("moorline secret list"))
            }
        }
    }
}

/// A name that `keyring:` can be followed by. What is none may be the secret, and is not shown.
fn name(typed: &Secret) -> Result<String> {
    SecretRef::in_keyring(typed.expose(), &Origin::Flag("NAME".to_owned()))
}

/// A key of another user is not found by the service.
fn as_root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let what = "the keys are root's, as the service is";
    Err(Error::new(ErrorKind::Denied, "not-root", what).fix("run moorline as root"))
}

fn on_the_command_line(name: &str) -> Error {
    let what = "a secret on the command line is seen by everybody on this machine, and kept in \
                your shell's history";
    Error::settings("secret-typed", what).fix(format!(
        "make a new one, since this one was seen, and give it on standard input:\n\
         moorline secret set {name}"
    ))
}
