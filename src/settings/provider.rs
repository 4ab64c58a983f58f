//! Which provider, and what its keys say: `--provider` and every `--vpn-auth`, by rank.

use provider_api::{Error, Finding, Manifest, ProviderName, Severity};

use super::origin::{Origin, Sourced};
use super::secret_ref::SecretRef;
use super::values::Values;
use super::vpn_auth::VpnAuth;
use super::words::{Layer, Sources, Word};

/// The provider that was asked for, what its keys say, and what is worth knowing about that.
pub(super) type Chosen = (Sourced<ProviderName>, Values, Vec<Finding>);

/// Chooses the provider, and reads every `--vpn-auth` by its keys.
///
/// # Errors
/// No provider or an unknown one, sources of one rank that disagree, and those of
/// [`VpnAuth::check`].
pub(super) fn choose(sources: &Sources, providers: &[Manifest]) -> Result<Chosen, Error> {
    let name = wanted(sources)?.ok_or_else(|| unnamed(sources, providers))?;
    let manifest = find(&name, providers)?;
    let mut values = Values::default();
    let mut findings = Vec::new();
    for layer in sources.ranks().into_iter().rev() {
        match named(layer)? {
            Some(other) if other.value != name.value => findings.extend(left_out(layer, &name)),
            _ => values = values.overlaid_by(agreed(layer, manifest)?),
        }
    }
    findings.extend(values.secrets.iter().filter_map(|(key, secret)| literal(key, secret)));
    Ok((Sourced::new(manifest.name.clone(), name.origin), values, findings))
}

/// The provider that is named, for the commands that need no other setting.
///
/// # Errors
/// An unknown name, and sources of one rank that disagree.
pub fn provider(sources: &Sources, providers: &[Manifest]) -> Result<Option<ProviderName>, Error> {
    let Some(name) = wanted(sources)? else { return Ok(None) };
    Ok(Some(find(&name, providers)?.name.clone()))
}

fn find<'a>(name: &Sourced<String>, providers: &'a [Manifest]) -> Result<&'a Manifest, Error> {
    let mut manifests = providers.iter();
    manifests
        .find(|manifest| manifest.name.as_str() == name.value)
        .ok_or_else(|| unknown(name, providers))
}

/// The name of the highest rank that has one, as it was typed. Every rank must agree with itself.
///
/// # Errors
/// Sources of one rank that disagree.
pub fn wanted(sources: &Sources) -> Result<Option<Sourced<String>>, Error> {
    let mut names = Vec::new();
    for layer in sources.ranks() {
        names.extend(named(layer)?);
    }
    Ok(names.into_iter().next())
}

fn named(layer: &Layer) -> Result<Option<Sourced<String>>, Error> {
    let word = match layer.word(Word::Provider) {
        Some(texts) => Some(
            texts.read(|texts, origin| super::parse::single(texts, origin).map(str::to_owned))?,
        ),
        None => None,
    };
    let mut names = word.into_iter().chain(layer.vpn_auth.iter().filter_map(VpnAuth::provider));
    let Some(first) = names.next() else { return Ok(None) };
    match names.find(|name| name.value != first.value) {
        None => Ok(Some(first)),
        Some(other) => Err(disagreement(
            "provider-disagree",
            (&first.origin, &other.origin),
            &format!("one names `{}`, the other `{}`", first.value, other.value),
        )),
    }
}

/// What all sources of one rank say together: they must say the same.
fn agreed(layer: &Layer, manifest: &Manifest) -> Result<Values, Error> {
    let mut sources = layer.vpn_auth.iter();
    let Some(first) = sources.next() else { return Ok(Values::default()) };
    let values = first.check(manifest)?;
    for other in sources {
        let differences = values.differences(&other.check(manifest)?);
        if !differences.is_empty() {
            let what = format!("they differ in {}", differences.join(", "));
            let places = (first.origin(), other.origin());
            return Err(disagreement("vpn-auth-disagree", places, &what));
        }
    }
    Ok(values)
}

fn disagreement(code: &str, (one, other): (&Origin, &Origin), what: &str) -> Error {
    Error::settings(code, format!("{one} and {other} disagree: {what}")).fix("keep one of the two")
}

/// A faulty `--vpn-auth` explains a missing name better than its absence does.
fn unnamed(sources: &Sources, providers: &[Manifest]) -> Error {
    let faults = sources.ranks().into_iter().flat_map(|layer| &layer.vpn_auth);
    let fault = faults.filter_map(|vpn_auth| vpn_auth.check_shape().err()).next();
    fault.unwrap_or_else(|| {
        Error::settings("provider-missing", "no provider is named").fix(format!(
            "name one, as in --vpn-auth name={first}, or --provider {first}; known: {}\n\
             with the settings in /etc/moorline/config.toml, `moorline up` alone is enough",
            names(providers),
            first = providers.first().map_or("NAME", |manifest| manifest.name.as_str()),
        ))
    })
}

fn unknown(name: &Sourced<String>, providers: &[Manifest]) -> Error {
    // A name is short; anything longer may be a key that was pasted in its place.
    let shown = match name.value.parse::<ProviderName>() {
        Ok(name) if name.as_str().len() <= 20 => format!("`{name}`"),
        _ => "that name".to_owned(),
    };
    name.origin
        .error("provider-unknown", format!("no provider is called {shown}"))
        .fix(format!("known: {}", names(providers)))
}

fn names(providers: &[Manifest]) -> String {
    providers.iter().map(|manifest| manifest.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A lower rank that speaks of another provider says nothing about this one.
fn left_out<'a>(
    layer: &'a Layer,
    name: &'a Sourced<String>,
) -> impl Iterator<Item = Finding> + use<'a> {
    layer.vpn_auth.iter().map(|vpn_auth| {
        Finding::new(
            Severity::Info,
            "vpn-auth-left-out",
            format!("{} is for another provider and is left out", vpn_auth.origin()),
            format!("{} names {}", name.origin, name.value),
        )
    })
}

fn literal(key: &str, secret: &Sourced<SecretRef>) -> Option<Finding> {
    let SecretRef::Literal(_) = secret.value else { return None };
    let (severity, why) = match secret.origin {
        Origin::Flag(_) => (Severity::Warning, "everybody on this machine can read a command line"),
        Origin::Environment(_) => {
            (Severity::Warning, "the environment reaches every process that is started from it")
        }
        Origin::File { .. } | Origin::Default => {
            (Severity::Info, "a file of its own is easier to guard and to replace")
        }
    };
    let what = format!("{}: `{key}` holds the secret itself", secret.origin);
    let fix = format!(
        "put it into a file and say where:\n\
         install -D -m 600 /dev/stdin /etc/moorline/{key}\n\
         {key}=file:/etc/moorline/{key}"
    );
    Some(Finding::new(severity, "literal-key", what, why).fix(fix))
}
