use clap::CommandFactory;

use super::*;

/// Every command that people see, with the path that names it.
fn commands(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut found = vec![(path.to_owned(), command.clone())];
    for command in visible {
        found.extend(commands(command, &format!("{path} {}", command.get_name())));
    }
    found
}

pub(super) fn all() -> Vec<(String, clap::Command)> {
    let mut command = Cli::command();
    command.build();
    commands(&command, "moorline")
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_flag_says_what_it_does() {
    for (path, command) in all() {
        assert!(command.get_about().is_some(), "{path}");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path} {argument}");
        }
    }
}

#[test]
fn every_command_that_acts_shows_examples_and_exit_codes() {
    const GROUPS: [&str; 2] = ["moorline policy", "moorline secret"];
    let acting = all().into_iter().filter(|(path, _)| !GROUPS.contains(&path.as_str()));
    for (path, mut command) in acting {
        let help = command.render_long_help().to_string();
        assert!(help.contains("\nEXAMPLES\n"), "{path}: {help}");
        assert!(help.contains(&format!("\n    {path}")), "{path}: {help}");
        assert!(help.contains("\nEXIT CODES\n"), "{path}: {help}");
        assert!(!help.contains("completions"), "{path}: {help}");
    }
}

/// A wrapped example could not be copied.
#[test]
fn no_line_of_an_example_is_wrapped() {
    for (path, command) in all() {
        let examples = [command.get_after_help(), command.get_after_long_help()];
        for line in examples
            .into_iter()
            .flatten()
            .flat_map(|text| text.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(line.chars().count() < 100, "{path}: {line}");
        }
    }
}

#[test]
fn the_first_page_of_help() {
    let help = Cli::command().term_width(100).render_help().to_string();
    let expected = "\
Joins Kubernetes nodes that share no network into one cluster, over the VPN of your choice

Usage: moorline [OPTIONS] <COMMAND>

Commands:
  up         Join the network, advertise this node's pod CIDRs, and prove that pods reach each other
  run        Keep this node in the network: join, mend what breaks, and tell how things stand
  status     How this node stands: its stage, its routes, the other nodes, and what is wrong
  reconcile  Have the service look at everything now, and try at once what waits to be tried again
  doctor     What is wrong with this node, or would be once it joins, and what helps
  leave      Withdraw this node's routes, restore what was changed, and log out where Moorline
             logged in
  install    Have the service manager keep this node connected, now and after every start
  uninstall  Take back what `install` did: the service stops, and the network stays as it is
  secret     Keys in the kernel's keyring, for keyring:NAME
  policy     What the control server's policy must hold

Options:
  -h, --help     Print help
  -V, --version  Print version

Everywhere:
      --config <PATH>    The config file [environment: MOORLINE_CONFIG] [default:
                         /etc/moorline/config.toml]
      --state-dir <DIR>  Where state is kept [default: /var/lib/moorline]
      --run-dir <DIR>    Where things lie until the next boot [default: /run/moorline]
  -v, --verbose...       Log more on standard error; say it again for more [environment:
                         MOORLINE_LOG]

EXAMPLES
";
    assert!(help.starts_with(expected), "{help}");
}
