//! That what the documents and the help tell a reader to type, and to write, is taken.

use std::path::Path;

use clap::Parser;

use super::Cli;
use super::tests::all;
use crate::providers;
use crate::settings::extra_args::split;
use crate::settings::{Origin, Sources, Word, read_config, resolve};

const DOCUMENTS: [&str; 10] = [
    include_str!("../../README.md"),
    include_str!("../../CONTRIBUTING.md"),
    include_str!("../../docs/guides/doctor.md"),
    include_str!("../../docs/guides/headscale.md"),
    include_str!("../../docs/guides/keeping-connected.md"),
    include_str!("../../docs/guides/service.md"),
    include_str!("../../docs/guides/tailscale.md"),
    include_str!("../../docs/reference/control-socket.md"),
    include_str!("../../docs/reference/probes.md"),
    include_str!("../../docs/reference/vpn-auth.md"),
];

/// The lines that begin with the command, or with a prompt and the command; up to a comment, or to
/// what the shell does beside it.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(|line| line.split_once("$ ").map_or(line, |(_, rest)| rest));
    let commands = lines.filter(|line| line.trim_start().starts_with("moorline "));
    let commands = commands.map(|line| line.split_once(" # ").map_or(line, |(said, _)| said));
    let words = commands.map(|line| split(line).expect(line).into_iter());
    words
        .map(|words| words.take_while(|word| !word.starts_with(['>', '<', '|'])).collect())
        .collect()
}

/// The blocks in this language.
fn blocks<'a>(text: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!("```{language}\n");
    let ends = |rest: &'a str| rest.split_once("```").map(|(block, _)| block);
    text.split(&begin).skip(1).filter_map(ends).collect::<Vec<_>>().into_iter()
}

#[test]
fn every_command_can_be_typed() {
    let help = all().into_iter().map(|(_, mut command)| command.render_long_help().to_string());
    let texts: Vec<String> = DOCUMENTS.map(str::to_owned).into_iter().chain(help).collect();
    let commands: Vec<_> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        let typed = Cli::try_parse_from(&command);
        assert!(typed.is_ok(), "{}: {typed:?}", command.join(" "));
    }
}

#[test]
fn every_config_file_is_taken() {
    let configs: Vec<&str> = DOCUMENTS.iter().flat_map(|text| blocks(text, "toml")).collect();
    assert!(configs.len() > 4, "{configs:?}");
    for config in configs {
        let file = read_config(Path::new("/etc/moorline/config.toml"), config).expect(config);
        let mut sources = Sources { file, ..Sources::default() };
        // A part of a file need not name it.
        sources.flags.say(Word::Provider, ["tailscale".to_owned()], Origin::Default);
        resolve(&sources, &providers::manifests(&sources).expect("manifests")).expect(config);
    }
}
