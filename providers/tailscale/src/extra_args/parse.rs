//! From words to preferences.

use provider_api::{Error, Result};
use serde_json::Value;

use super::flags::{FLAGS, Flag, Meaning};
use super::{ExtraArgs, values};

/// Reads the words of `extraArgs`: `--flag value`, `--flag=value`, and `--flag` alone where it
/// is a switch. A flag that comes again replaces what it said before; prefixes add up.
///
/// # Errors
/// Settings errors that name the flag.
pub(crate) fn parse(words: &[String]) -> Result<ExtraArgs> {
    let mut args = ExtraArgs::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (name, given) = split(word)?;
        let flag = find(name)?;
        let value = match given {
            Some(value) => value,
            None if flag.is_switch() => "true",
            None => match rest.next() {
                Some(value) => value,
                None if flag.is_known() => return Err(needs_value(flag)),
                None => "",
            },
        };
        args.take(flag, value)?;
    }
    Ok(args)
}

fn split(word: &str) -> Result<(&str, Option<&str>)> {
    let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or_default();
    if flag.is_empty() {
        // The word itself stays out: it may be a key that slipped out of joinKey.
        let what = "a word of extraArgs is no flag: each must begin with --";
        return Err(Error::settings("extra-args-word", what)
            .fix("extraArgs=--flag=value --flag=value; extraArgs comes last"));
    }
    Ok(match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    })
}

fn find(name: &str) -> Result<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name).ok_or_else(|| {
        let known = FLAGS.iter().filter(|flag| flag.is_known());
        let known: Vec<String> = known.map(|flag| format!("--{}", flag.name)).collect();
        Error::settings("extra-args-unknown", format!("extraArgs has an unknown flag --{name}"))
            .fix(format!("known: {}", known.join(" ")))
    })
}

fn needs_value(flag: &Flag) -> Error {
    let name = flag.name;
    Error::settings("extra-args-value", format!("--{name} in extraArgs needs a value"))
        .fix(format!("--{name}=VALUE"))
}

impl ExtraArgs {
    fn take(&mut self, flag: &Flag, text: &str) -> Result<()> {
        let wrong = |why: String| {
            Error::settings("extra-args-value", format!("--{} in extraArgs {why}", flag.name))
                .fix(format!("correct --{}, or leave it out", flag.name))
        };
        match &flag.meaning {
            Meaning::Switch(pref) => self.set(pref, values::switch(text).map_err(wrong)?),
            Meaning::Needed(pref, need, why) => {
                needed(flag, values::switch(text).map_err(wrong)?, *need, why)?;
                self.set(pref, *need);
            }
            Meaning::NeededOpposite(pref, need, why) => {
                needed(flag, values::switch(text).map_err(wrong)?, *need, why)?;
                self.set(pref, !*need);
            }
            Meaning::Text(pref) => self.set(pref, text),
            Meaning::Tags => self.set("AdvertiseTags", values::tags(text).map_err(wrong)?),
            Meaning::Netfilter => {
                self.set("NetfilterMode", values::netfilter(text).map_err(wrong)?)
            }
            Meaning::Port(pref) => self.set(pref, values::port(text).map_err(wrong)?),
            Meaning::Endpoints(pref) => self.set(pref, values::endpoints(text).map_err(wrong)?),
            Meaning::Routes => self.routes.extend(values::routes(text).map_err(wrong)?),
            Meaning::ExitRoutes => self.exit_routes(values::switch(text).map_err(wrong)?),
            Meaning::ExitNode => self.exit_node = Some(text.to_owned()),
            Meaning::NoMatter => {}
            Meaning::Refused(instead) => return Err(refused(flag, instead)),
        }
        Ok(())
    }

    fn set(&mut self, pref: &str, value: impl Into<Value>) {
        self.settings.insert(pref.to_owned(), value.into());
    }

    fn exit_routes(&mut self, offered: bool) {
        self.routes.retain(|route| route.prefix_len() > 0);
        if offered {
            self.routes.extend(values::default_routes());
        }
    }
}

fn needed(flag: &Flag, given: bool, need: bool, why: &str) -> Result<()> {
    if given == need {
        return Ok(());
    }
    let Flag { name, .. } = flag;
    Err(Error::settings("extra-args-needed", format!("--{name}={given} in extraArgs: {why}"))
        .fix(format!("leave --{name} out")))
}

fn refused(flag: &Flag, instead: &str) -> Error {
    let what = format!("--{} in extraArgs is not taken: {instead}", flag.name);
    Error::settings("extra-args-refused", what).fix(format!("leave --{} out", flag.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    fn settings(text: &str) -> Value {
        json!(parse(&words(text)).unwrap().settings)
    }

    fn error(text: &str) -> Error {
        parse(&words(text)).unwrap_err()
    }

    #[test]
    fn the_three_ways_to_write_a_flag() {
        assert_eq!(settings("--hostname web --ssh"), json!({"Hostname": "web", "RunSSH": true}));
        assert_eq!(
            settings("-hostname=web --ssh=false"),
            json!({"Hostname": "web", "RunSSH": false})
        );
        assert_eq!(settings("--hostname a --hostname=b"), json!({"Hostname": "b"}));
    }

    #[test]
    fn each_kind_of_value() {
        assert_eq!(
            settings(
                "--advertise-tags=k8s,tag:web --netfilter-mode=nodivert --relay-server-port 0"
            ),
            json!({"AdvertiseTags": ["tag:k8s", "tag:web"], "NetfilterMode": 1, "RelayServerPort": 0})
        );
        assert_eq!(settings("--auto-update=false"), json!({"AutoUpdate.Apply": false}));
        assert_eq!(settings("--snat-subnet-routes=false"), json!({"NoSNAT": true}));
        assert_eq!(settings("--relay-server-port="), json!({"RelayServerPort": null}));
    }

    #[test]
    fn prefixes_add_up() {
        let args = parse(&words(
            "--advertise-routes=10.0.0.0/8,fd00::/64 --advertise-routes 192.168.1.0/24 --advertise-exit-node",
        ));
        let routes: Vec<String> = args.unwrap().routes.iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["10.0.0.0/8", "fd00::/64", "192.168.1.0/24", "0.0.0.0/0", "::/0"]);
    }

    #[test]
    fn what_would_break_pods_says_why() {
        assert!(error("--accept-routes=false").what.contains("pods can be reached"));
        assert!(error("--snat-subnet-routes").what.contains("hide the pods"));
        assert!(error("--stateful-filtering=true").what.contains("open connections"));
        assert_eq!(settings("--accept-routes"), json!({"RouteAll": true}));
    }

    #[test]
    fn moorlines_own_keys_are_named() {
        assert!(error("--authkey").what.contains("joinKey"));
        assert!(error("--auth-key=SECRET").what.contains("joinKey"));
        assert!(!format!("{:?}", error("--auth-key=SECRET")).contains("SECRET"));
        assert!(error("--login-server=http://x").what.contains("controlServerURL"));
    }

    #[test]
    fn an_unknown_flag_lists_the_known() {
        let error = error("--no-such=1");
        assert!(error.what.contains("--no-such"));
        let fix = error.fix.unwrap();
        assert!(fix.contains("--advertise-routes") && !fix.contains("--reset"));
    }

    #[test]
    fn bad_values_name_their_flag() {
        for (text, part) in [
            ("--ssh=yes", "--ssh in extraArgs takes true or false"),
            ("--advertise-routes=10.0.0.1/8", "write 10.0.0.0/8"),
            ("--advertise-routes=0.0.0.0/0", "--advertise-exit-node"),
            ("--netfilter-mode=maybe", "--netfilter-mode"),
            ("--hostname", "--hostname in extraArgs needs a value"),
            ("--advertise-tags=tag:a_b", "tag:a_b"),
            ("word", "no flag"),
            ("--", "no flag"),
        ] {
            let error = error(text);
            assert!(error.what.contains(part), "{text}: {}", error.what);
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(FLAGS.is_sorted_by_key(|flag| flag.name));
    }

    proptest! {
        #[test]
        fn nothing_panics(words in prop::collection::vec("(--?)?[a-z=,./:0-9-]{0,20}", 0..5)) {
            let _ = parse(&words);
        }

        #[test]
        fn a_value_may_hold_anything(value in "[^\\x00]{0,20}") {
            let args = parse(&[format!("--hostname={value}")]).unwrap();
            prop_assert_eq!(&args.settings["Hostname"], &json!(value));
        }
    }
}
