//! What the vendors say of our credentials and rights, in words.

use std::collections::BTreeSet;

use sutler_broker_server::{
    Config, ServerError,
    config::Vendors,
    providers::{Credential, Need, Registry, Right, Standing, built_in, credentials},
};

use super::{CommandError, print};

/// Asks every vendor whose offerings are served. Fails when one says no.
pub(super) fn check(config: Config) -> Result<(), CommandError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::Runtime)?;
    let asked = runtime.block_on(ask(config))?;
    for line in &asked.lines {
        print(line)?;
    }
    if asked.refused > 0 { Err(CommandError::Rights(asked.refused)) } else { Ok(()) }
}

/// What was asked, in words, and how many answers were no.
#[derive(Default)]
struct Asked {
    lines: Vec<String>,
    refused: usize,
}

async fn ask(mut config: Config) -> Result<Asked, CommandError> {
    let mut asked = Asked::default();
    let credentials = credentials(&config.vendors, &config.tuning).await?;
    for credential in &credentials {
        asked.credential(credential);
    }
    // whoever is not let in is told nothing else
    let silent: BTreeSet<&str> = credentials
        .iter()
        .filter(|credential| !may_ask(&credential.standing))
        .map(|credential| vendor_of(&credential.name))
        .collect();
    for vendor in &silent {
        asked.lines.push(format!(
            "{vendor}: what its services and plans need is not asked before the credential is accepted"
        ));
    }
    leave_out(&mut config.vendors, &silent);
    // the names of services were checked before; those of vendors that are left out are not there now
    let providers = built_in(&config.vendors, &config.tuning)?;
    if providers.is_empty() {
        return Ok(asked);
    }
    let registry = Registry::new(providers, None).map_err(ServerError::Registry)?;
    let is_served =
        |name: &str| config.offerings.as_ref().is_none_or(|served| served.iter().any(|one| one == name));
    for service in registry.index().catalog().services.iter().filter(|service| is_served(&service.name)) {
        let Some(provider) = registry.provider(&service.id) else { continue };
        for need in provider.needs().await {
            asked.need(&service.name, &need);
        }
    }
    if !credentials.is_empty() {
        asked.lines.push(
            "Rights were tried by reading only: that one may write is seen when it is done.".to_owned(),
        );
    }
    Ok(asked)
}

/// Whether a vendor that says this of a credential can be asked about its rights.
fn may_ask(standing: &Standing) -> bool {
    matches!(standing, Standing::Accepted { .. } | Standing::NotYet(_))
}

/// The vendor in the name of a credential.
fn vendor_of(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// As if these vendors were not configured. Certificates go with the last place that names can be proven in.
fn leave_out(vendors: &mut Vendors, silent: &BTreeSet<&str>) {
    vendors.cloudflare.take_if(|_| silent.contains("cloudflare"));
    vendors.dnsimple.take_if(|_| silent.contains("dnsimple"));
    vendors.stripe.take_if(|_| silent.contains("stripe"));
    vendors.rfc2136.take_if(|_| silent.contains("rfc2136"));
    let has_zones = vendors.cloudflare.is_some() || vendors.dnsimple.is_some() || vendors.rfc2136.is_some();
    vendors.acme.take_if(|_| silent.contains("acme") || !has_zones);
}

impl Asked {
    fn credential(&mut self, credential: &Credential) {
        let said = match &credential.standing {
            Standing::Accepted { expires_on, note } => accepted(expires_on.as_deref(), note.as_deref()),
            Standing::NotYet(what) => format!("cannot be tried yet: {what}"),
            Standing::Refused(why) => {
                self.refused += 1;
                format!("is REFUSED: {why}")
            }
            Standing::NotKnown(why) => {
                format!("is not known to be accepted: {why}; try again, or leave vendors out with --offline")
            }
        };
        self.lines.push(format!("{} {said}", credential.name));
    }

    fn need(&mut self, service: &str, need: &Need) {
        let Need { permissions, of, right } = need;
        let mode = of.map(|mode| format!(", {mode}")).unwrap_or_default();
        let said = match right {
            Right::Given => format!("has what it needs ({permissions})"),
            Right::Lacking => {
                self.refused += 1;
                format!(
                    "LACKS {permissions}: give the credential that, or leave the service out of `offerings`"
                )
            }
            Right::NotKnown(why) => format!("needs {permissions}; whether it has that is not known: {why}"),
        };
        self.lines.push(format!("{service}{mode}: {said}"));
    }
}

fn accepted(expires_on: Option<&str>, note: Option<&str>) -> String {
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    match expires_on {
        None => format!("is accepted{note}"),
        Some(time) => {
            format!("is accepted, and ends on {}; put another one in its place before{note}", plain(time))
        }
    }
}

/// A time as a vendor writes it, without anything that could disturb a terminal.
fn plain(time: &str) -> String {
    time.chars()
        .filter(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | ':' | '.' | '+'))
        .take(40)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_no_counts_as_refused_and_every_line_says_what_to_do() {
        let mut asked = Asked::default();
        for (right, told) in [
            (Right::Given, "cloudflare-d1: has what it needs (D1 Write)"),
            (Right::Lacking, "cloudflare-d1: LACKS D1 Write: give the credential that, or"),
            (Right::NotKnown("it rains".to_owned()), "whether it has that is not known: it rains"),
        ] {
            asked.need("cloudflare-d1", &Need { permissions: "D1 Write", of: None, right });
            assert!(asked.lines.last().is_some_and(|line| line.contains(told)), "{:?}", asked.lines);
        }
        assert_eq!(asked.refused, 1);
        for (standing, told) in [
            (Standing::Accepted { expires_on: None, note: None }, "cloudflare: api_token is accepted"),
            (
                Standing::Accepted { expires_on: None, note: Some("it is of account 7".to_owned()) },
                "api_token is accepted: it is of account 7",
            ),
            (
                Standing::Accepted { expires_on: Some("2027\u{1b}[31m".to_owned()), note: None },
                "ends on 202731m; put",
            ),
            (Standing::NotYet("nothing was made".to_owned()), "cannot be tried yet: nothing was made"),
            (Standing::Refused("no".to_owned()), "is REFUSED: no"),
            (
                Standing::NotKnown("no answer".to_owned()),
                "no answer; try again, or leave vendors out with --offline",
            ),
        ] {
            asked.credential(&Credential { name: "cloudflare: api_token".to_owned(), standing });
            assert!(asked.lines.last().is_some_and(|line| line.contains(told)), "{:?}", asked.lines);
        }
        assert_eq!(asked.refused, 2);
    }
}
