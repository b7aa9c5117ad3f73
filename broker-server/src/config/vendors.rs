//! The vendors of `broker.yaml`: where they are, and with what keys.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_saphyr::Spanned;
use sutler_catalog::probe::Home;

use super::{
    CloudflareAccount, ConfigError, DnsimpleAccount, Duration, NameServer, Probe, StripeAccount, Vendors,
    domains::{FileAcme, FileVerification},
    file::Meaning,
    registration::FileRegistration,
    secret::SecretSource,
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileVendors {
    cloudflare: Option<Spanned<FileCloudflare>>,
    dnsimple: Option<Spanned<FileDnsimple>>,
    stripe: Option<Spanned<FileStripe>>,
    acme: Option<Spanned<FileAcme>>,
    verification: Option<Spanned<FileVerification>>,
    rfc2136: Option<Spanned<FileRfc2136>>,
    probe: Option<FileProbe>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileProbe {
    slow: Option<Duration>,
    maintenance_version: Option<String>,
    lifetime: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCloudflare {
    #[serde(default = "cloudflare_api")]
    base_url: String,
    s3_base_url: Option<String>,
    account_id: String,
    api_token: SecretSource,
    calls_per_five_minutes: Option<std::num::NonZeroU32>,
    registration: Option<FileRegistration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDnsimple {
    #[serde(default = "dnsimple_api")]
    base_url: String,
    account_id: std::num::NonZeroU64,
    token: SecretSource,
    calls_per_hour: Option<std::num::NonZeroU32>,
    registration: Option<FileRegistration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStripe {
    #[serde(default = "stripe_api")]
    base_url: String,
    account_id: String,
    test_key: Option<SecretSource>,
    live_key: Option<SecretSource>,
    calls_per_second: Option<std::num::NonZeroU32>,
}

fn dnsimple_api() -> String {
    "https://api.dnsimple.com/v2".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRfc2136 {
    server: String,
    zone: String,
    key_name: String,
    #[serde(default = "common_algorithm")]
    algorithm: String,
    secret: SecretSource,
    #[serde(default)]
    name_servers: Vec<SocketAddr>,
}

fn common_algorithm() -> String {
    "hmac-sha256".to_owned()
}

fn stripe_api() -> String {
    "https://api.stripe.com".to_owned()
}

fn cloudflare_api() -> String {
    "https://api.cloudflare.com/client/v4".to_owned()
}

impl Meaning<'_> {
    pub(super) fn vendors(
        &mut self,
        vendors: FileVendors,
        offerings: Option<&[String]>,
        listen: SocketAddr,
    ) -> Result<Vendors, ConfigError> {
        let cloudflare = vendors.cloudflare.map(|account| self.cloudflare(account, listen)).transpose()?;
        let dnsimple = vendors.dnsimple.map(|account| self.dnsimple(account, listen)).transpose()?;
        let stripe = vendors.stripe.map(|account| self.stripe(account, listen)).transpose()?;
        let acme = vendors.acme.map(|account| self.acme(account, listen)).transpose()?;
        let verification = vendors.verification.as_ref().map(|asked| self.verification(asked)).transpose()?;
        let rfc2136 = vendors.rfc2136.map(|server| self.rfc2136(server, listen)).transpose()?;
        let probe = probe(vendors.probe, offerings);
        Ok(Vendors { cloudflare, dnsimple, stripe, acme, verification, rfc2136, probe })
    }

    fn dnsimple(
        &mut self,
        dnsimple: Spanned<FileDnsimple>,
        listen: SocketAddr,
    ) -> Result<DnsimpleAccount, ConfigError> {
        let position = self.position(&dnsimple);
        let FileDnsimple { base_url, account_id, token, calls_per_hour, registration } = dnsimple.value;
        check_vendor_url(&base_url)
            .map_err(|message| ConfigError::Value { position: position.clone(), message })?;
        let token = self.secret(token, &position, listen)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        let registration = registration.map(FileRegistration::checked).transpose();
        let registration = registration.map_err(|message| ConfigError::Value { position, message })?;
        Ok(DnsimpleAccount { base_url, account_id, token, calls_per_hour, registration })
    }

    fn rfc2136(
        &mut self,
        rfc2136: Spanned<FileRfc2136>,
        listen: SocketAddr,
    ) -> Result<NameServer, ConfigError> {
        let position = self.position(&rfc2136);
        let FileRfc2136 { server, zone, key_name, algorithm, secret, name_servers } = rfc2136.value;
        let secret = self.secret(secret, &position, listen)?;
        Ok(NameServer { server, zone, key_name, algorithm, secret, name_servers })
    }

    fn stripe(
        &mut self,
        stripe: Spanned<FileStripe>,
        listen: SocketAddr,
    ) -> Result<StripeAccount, ConfigError> {
        let position = self.position(&stripe);
        let FileStripe { base_url, account_id, test_key, live_key, calls_per_second } = stripe.value;
        check_vendor_url(&base_url)
            .map_err(|message| ConfigError::Value { position: position.clone(), message })?;
        let mut read =
            |key: Option<SecretSource>| key.map(|source| self.secret(source, &position, listen)).transpose();
        let (test_key, live_key) = (read(test_key)?, read(live_key)?);
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(StripeAccount { base_url, account_id, test_key, live_key, calls_per_second })
    }

    fn cloudflare(
        &mut self,
        cloudflare: Spanned<FileCloudflare>,
        listen: SocketAddr,
    ) -> Result<CloudflareAccount, ConfigError> {
        let position = self.position(&cloudflare);
        let FileCloudflare {
            base_url,
            s3_base_url,
            account_id,
            api_token,
            calls_per_five_minutes,
            registration,
        } = cloudflare.value;
        for url in std::iter::once(&base_url).chain(&s3_base_url) {
            check_vendor_url(url)
                .map_err(|message| ConfigError::Value { position: position.clone(), message })?;
        }
        let api_token = self.secret(api_token, &position, listen)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        let registration = registration.map(FileRegistration::checked).transpose();
        let registration = registration.map_err(|message| ConfigError::Value { position, message })?;
        Ok(CloudflareAccount {
            base_url,
            s3_base_url,
            account_id,
            api_token,
            calls_per_five_minutes,
            registration,
        })
    }
}

/// The probe is off unless it is configured, or one of its offerings is asked for by name.
fn probe(configured: Option<FileProbe>, offerings: Option<&[String]>) -> Option<Probe> {
    let probes = Home::ALL.map(Home::name);
    let is_named = offerings.is_some_and(|names| names.iter().any(|name| probes.contains(&name.as_str())));
    let default = Probe::default();
    match configured {
        Some(FileProbe { slow, maintenance_version, lifetime }) => Some(Probe {
            slow: slow.map_or(default.slow, |slow| slow.0),
            maintenance_version: maintenance_version.unwrap_or(default.maintenance_version),
            lifetime: lifetime.map_or(default.lifetime, |lifetime| lifetime.0),
        }),
        None => is_named.then_some(default),
    }
}

/// Credentials go over HTTPS, or stay on this machine (S-10).
pub(super) fn check_vendor_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|_| format!("'{text}' is no URL"))?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err(format!(
            "'{text}' is neither an https URL nor on loopback; a token would travel in the clear"
        )),
    }
}
