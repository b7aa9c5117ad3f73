//! What the vendors say of our credentials and rights, in words.

use sutler_broker_server::{
    Config, ServerError,
    providers::{Credential, Need, Registry, Right, Standing, built_in, credentials},
};

use super::{CommandError, print};

/// Asks every vendor whose offerings are served. Fails when one says no.
pub(super) fn check(config: &Config) -> Result<(), CommandError> {
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

async fn ask(config: &Config) -> Result<Asked, CommandError> {
    let mut asked = Asked::default();
    let credentials = credentials(&config.vendors, &config.tuning).await?;
    // whoever is not let in is told nothing else
    let accepted = |vendor: &str| {
        let mut its = credentials.iter().filter(|credential| vendor_of(&credential.name) == vendor);
        its.all(|credential| matches!(credential.standing, Standing::Accepted { .. }))
    };
    for credential in &credentials {
        asked.credential(credential);
    }
    let providers = built_in(&config.vendors, &config.tuning)?;
    let registry = Registry::new(providers, config.offerings.as_deref()).map_err(ServerError::Registry)?;
    for service in &registry.index().catalog().services {
        let Some(provider) = registry.provider(&service.id) else { continue };
        if !accepted(vendor_of(&service.name)) {
            continue;
        }
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

/// The vendor in the name of a credential or of an offering.
fn vendor_of(name: &str) -> &str {
    name.split([':', '-']).next().unwrap_or(name)
}

impl Asked {
    fn credential(&mut self, credential: &Credential) {
        let said = match &credential.standing {
            Standing::Accepted { expires_on: None } => "is accepted".to_owned(),
            Standing::Accepted { expires_on: Some(time) } => {
                format!("is accepted, and ends on {}; put another one in its place before", plain(time))
            }
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
            (Standing::Accepted { expires_on: None }, "cloudflare: api_token is accepted"),
            (Standing::Accepted { expires_on: Some("2027\u{1b}[31m".to_owned()) }, "ends on 202731m; put"),
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
