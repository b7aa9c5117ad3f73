//! What is behind the offerings: the seam every vendor's code plugs into, and the vendors we ship.

mod account;
pub mod acme;
mod by_plan;
pub mod cloudflare;
#[cfg(feature = "testing")]
pub mod contract;
mod discovery;
pub mod dns;
pub mod dnsimple;
pub mod egress;
mod listing;
mod marker;
mod object;
mod probe;
mod provider;
mod recorded;
mod registration;
mod registry;
pub mod rfc2136;
mod rights;
#[cfg(any(test, feature = "testing"))]
pub mod scripted;
pub mod stripe;
pub mod typed;
mod vendor;
pub mod verification;

use std::sync::Arc;

pub use account::Account;
pub use by_plan::ByPlan;
pub use discovery::{Discovery, ObjectsPage, VendorThing};
pub use listing::{Bearers, Listing, MarkedObject};
pub use marker::{Marker, mark_of_name};
pub use probe::Probe;
pub use provider::*;
pub use registration::Policy;
pub use registry::{Registry, RegistryError};
pub use rights::{Credential, Need, Right, Standing};
use sutler_catalog::domain::certificate::Zones;
use sutler_secrets::SecretString;
pub use vendor::VendorCall;

use crate::config::{
    AcmeAccount, CloudflareAccount, DnsimpleAccount, NameServer, StripeAccount, Tuning, Vendors,
    VerificationSettings,
};

/// A vendor cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VendorError {
    /// Cloudflare.
    #[error("could not use the vendor cloudflare as it is configured")]
    Cloudflare(#[source] cloudflare::ConfigError),
    /// DNSimple.
    #[error("could not use the vendor dnsimple as it is configured")]
    Dnsimple(#[source] dnsimple::ConfigError),
    /// The certificate authority.
    #[error("could not use the vendor acme as it is configured")]
    Acme(#[source] acme::ConfigError),
    /// Nowhere can names be proven.
    #[error(
        "certificates need zones to prove names in: configure the vendor cloudflare, dnsimple or rfc2136, too"
    )]
    NoZones,
    /// Stripe.
    #[error("could not use the vendor stripe as it is configured")]
    Stripe(#[source] stripe::ConfigError),
    /// The keys that verifications trust cannot be read.
    #[error("the file trust_anchors of the vendor verification cannot be read")]
    AnchorsFile(#[source] std::io::Error),
    /// The keys that verifications trust are none.
    #[error("the file trust_anchors of the vendor verification cannot be used")]
    Anchors(#[source] dns::AnchorError),
    /// The operator's own name server.
    #[error("could not use the vendor rfc2136 as it is configured")]
    Rfc2136(#[source] rfc2136::ConfigError),
}

/// Every service we ship whose vendor is configured: one line each.
///
/// # Errors
/// When a vendor's configuration cannot be used.
pub fn built_in(vendors: &Vendors, tuning: &Tuning) -> Result<Vec<Arc<dyn Provider>>, VendorError> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    let mut domains = Domains::default();
    if let Some(account) = &vendors.cloudflare {
        let client = to_cloudflare(account, tuning)?;
        providers.push(Arc::new(cloudflare::D1::new(&client)));
        providers.push(Arc::new(cloudflare::Token::new(&client)));
        providers.push(Arc::new(cloudflare::Secrets::new(&client)));
        providers.push(Arc::new(cloudflare::PagesDomain::new(&client)));
        providers.push(Arc::new(cloudflare::Kv::new(&client)));
        providers.push(Arc::new(cloudflare::Queue::new(&client)));
        providers.push(Arc::new(cloudflare::R2::new(&client)));
        providers.push(Arc::new(cloudflare::Turnstile::new(&client)));
        providers.push(Arc::new(cloudflare::Hyperdrive::new(&client)));
        providers.push(Arc::new(cloudflare::Vectorize::new(&client)));
        providers.push(Arc::new(cloudflare::DnsRecord::new(&client)));
        providers.push(Arc::new(cloudflare::Zone::new(&client)));
        providers.push(Arc::new(cloudflare::WorkerDomain::new(&client)));
        providers.push(Arc::new(cloudflare::WwwRedirect::new(&client)));
        providers.push(Arc::new(cloudflare::CustomHostname::new(&client)));
        domains.at_cloudflare(&client, account);
    }
    if let Some(account) = &vendors.dnsimple {
        domains.at_dnsimple(&to_dnsimple(account, tuning)?, account);
    }
    if let Some(account) = &vendors.stripe {
        let client = stripe_client(account, tuning)?;
        providers.extend(stripe::providers(&client));
    }
    if let Some(settings) = &vendors.verification {
        providers.push(Arc::new(verification_by(settings, tuning)?));
    }
    if let Some(server) = &vendors.rfc2136 {
        let server = name_server(server, tuning).map_err(VendorError::Rfc2136)?;
        domains.records.push(Arc::new(rfc2136::Record::new(&server)));
        domains.proofs.push((Zones::Rfc2136, Arc::new(server)));
    }
    if let Some(account) = &vendors.acme {
        providers.push(certificates(account, tuning, domains.proofs)?);
    }
    for parts in [domains.records, domains.registrars, domains.zones] {
        providers.extend(ByPlan::of(parts).map(|all| Arc::new(all) as Arc<dyn Provider>));
    }
    if let Some(probe) = &vendors.probe {
        providers.extend(Probe::configured(probe.clone()));
    }
    Ok(providers)
}

/// The parts of the offerings that several vendors can do, each with plans of its own.
#[derive(Default)]
struct Domains {
    records: Vec<Arc<dyn Provider>>,
    registrars: Vec<Arc<dyn Provider>>,
    zones: Vec<Arc<dyn Provider>>,
    proofs: Proofs,
}

impl Domains {
    fn at_cloudflare(&mut self, client: &cloudflare::Client, account: &CloudflareAccount) {
        self.records.push(Arc::new(cloudflare::DomainRecord::new(client)));
        self.proofs.push((Zones::Cloudflare, Arc::new(cloudflare::Proofs::new(client))));
        if let Some(policy) = &account.registration {
            self.registrars.push(Arc::new(cloudflare::registration(client, policy.into())));
        }
        self.registrars.push(Arc::new(cloudflare::sandbox_registration(client)));
        self.zones.push(Arc::new(cloudflare::DomainZone::new(client)));
    }

    fn at_dnsimple(&mut self, client: &dnsimple::Client, account: &DnsimpleAccount) {
        self.records.push(Arc::new(dnsimple::DomainRecord::new(client)));
        self.proofs.push((Zones::Dnsimple, Arc::new(dnsimple::Proofs::new(client))));
        if let Some(policy) = &account.registration {
            self.registrars.push(Arc::new(dnsimple::registration(client, policy.into())));
        }
        self.zones.push(Arc::new(dnsimple::DomainZone::new(client)));
    }
}

/// What the vendors say of the credentials in the configuration, vendor by vendor. Only reads.
///
/// # Errors
/// When a vendor's configuration cannot be used.
pub async fn credentials(vendors: &Vendors, tuning: &Tuning) -> Result<Vec<Credential>, VendorError> {
    let mut credentials = Vec::new();
    if let Some(account) = &vendors.cloudflare {
        credentials.push(to_cloudflare(account, tuning)?.credential().await);
    }
    if let Some(account) = &vendors.dnsimple {
        credentials.push(to_dnsimple(account, tuning)?.credential().await);
    }
    if let Some(account) = &vendors.stripe {
        credentials.extend(stripe_client(account, tuning)?.credentials().await);
    }
    if let Some(server) = &vendors.rfc2136 {
        credentials.push(name_server(server, tuning).map_err(VendorError::Rfc2136)?.credential().await);
    }
    if let Some(account) = &vendors.acme {
        credentials.push(acme_client(account, tuning).map_err(VendorError::Acme)?.credential().await);
    }
    Ok(credentials)
}

/// Where names can be proven: whatever zones there are.
type Proofs = Vec<(Zones, Arc<dyn dns::Challenges>)>;

fn to_cloudflare(account: &CloudflareAccount, tuning: &Tuning) -> Result<cloudflare::Client, VendorError> {
    let calls = account.calls_per_five_minutes;
    let client = cloudflare::Client::new(&cloudflare::CloudflareConfig {
        base_url: account.base_url.clone(),
        s3_base_url: account.s3_base_url.clone(),
        account_id: account.account_id.clone(),
        api_token: account.api_token.duplicate(),
        call_timeout: tuning.call_deadline(),
        calls_per_five_minutes: calls.unwrap_or(cloudflare::CloudflareConfig::DEFAULT_CALLS),
    });
    Ok(client.map_err(VendorError::Cloudflare)?.poll_every(tuning.poll_interval))
}

fn to_dnsimple(account: &DnsimpleAccount, tuning: &Tuning) -> Result<dnsimple::Client, VendorError> {
    let calls = account.calls_per_hour;
    let client = dnsimple::Client::new(&dnsimple::DnsimpleConfig {
        base_url: account.base_url.clone(),
        account_id: account.account_id.to_string(),
        token: account.token.duplicate(),
        call_timeout: tuning.call_deadline(),
        calls_per_hour: calls.unwrap_or(dnsimple::DnsimpleConfig::DEFAULT_CALLS),
    });
    Ok(client.map_err(VendorError::Dnsimple)?.poll_every(tuning.poll_interval))
}

fn stripe_client(account: &StripeAccount, tuning: &Tuning) -> Result<stripe::Client, VendorError> {
    stripe::Client::new(&stripe::StripeConfig {
        base_url: account.base_url.clone(),
        account_id: account.account_id.clone(),
        test_key: account.test_key.as_ref().map(SecretString::duplicate),
        live_key: account.live_key.as_ref().map(SecretString::duplicate),
        call_timeout: tuning.call_deadline(),
        calls_per_second: account.calls_per_second.unwrap_or(stripe::StripeConfig::DEFAULT_CALLS),
    })
    .map_err(VendorError::Stripe)
}

fn name_server(server: &NameServer, tuning: &Tuning) -> Result<rfc2136::Server, rfc2136::ConfigError> {
    let config = rfc2136::Rfc2136Config {
        server: server.server.clone(),
        zone: server.zone.clone(),
        key_name: server.key_name.clone(),
        algorithm: server.algorithm.clone(),
        secret: server.secret.duplicate(),
        name_servers: server.name_servers.clone(),
        call_timeout: tuning.call_deadline(),
    };
    Ok(rfc2136::Server::new(&config)?.poll_every(tuning.poll_interval))
}

/// People set the record: it is looked for at a sixth of the pace of vendors.
fn verification_by(
    settings: &VerificationSettings,
    tuning: &Tuning,
) -> Result<verification::Verification, VendorError> {
    let anchors = match &settings.trust_anchors {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(VendorError::AnchorsFile)?;
            dns::Anchors::parse(&text).map_err(VendorError::Anchors)?
        }
        None => dns::Anchors::root(),
    };
    Ok(verification::Verification::new(&verification::VerificationConfig {
        resolvers: settings.resolvers.clone(),
        reach: if settings.private { dns::Reach::Anywhere } else { dns::Reach::Public },
        port: settings.port,
        first_gap: Some(tuning.poll_interval.saturating_mul(6)),
        anchors,
        ..verification::VerificationConfig::default()
    }))
}

/// A plan for each place of zones.
fn certificates(
    account: &AcmeAccount,
    tuning: &Tuning,
    proofs: Proofs,
) -> Result<Arc<dyn Provider>, VendorError> {
    let client = acme_client(account, tuning).map_err(VendorError::Acme)?;
    let parts = proofs.into_iter().map(|(zones, challenges)| {
        Arc::new(acme::Certificate::new(&client, zones, challenges)) as Arc<dyn Provider>
    });
    let certificates = ByPlan::of(parts.collect()).ok_or(VendorError::NoZones)?;
    Ok(Arc::new(certificates))
}

fn acme_client(account: &AcmeAccount, tuning: &Tuning) -> Result<acme::Client, acme::ConfigError> {
    let roots =
        account.roots.as_ref().map(std::fs::read).transpose().map_err(acme::ConfigError::RootsFile)?;
    let external = |(key_id, key): &(String, SecretString)| acme::ExternalAccount {
        key_id: key_id.clone(),
        hmac_key: key.duplicate(),
    };
    let client = acme::Client::new(&acme::AcmeConfig {
        directory: account.directory.clone(),
        account_key: account.account_key.duplicate(),
        contact: account.contact.clone(),
        terms_of_service_agreed: account.terms_of_service_agreed,
        external_account: account.external_account.as_ref().map(external),
        roots,
        call_timeout: tuning.call_deadline(),
        calls_per_minute: account.calls_per_minute.unwrap_or(acme::AcmeConfig::DEFAULT_CALLS),
    })?;
    Ok(client.poll_every(tuning.poll_interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_to_judge_signatures_by_are_read_before_anything_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let with = |trust_anchors| {
            let (resolvers, private, port) = (Vec::new(), false, 53);
            let settings = VerificationSettings { resolvers, private, port, trust_anchors };
            verification_by(&settings, &Tuning::default()).map(drop)
        };
        assert!(with(None).is_ok() && with(Some(file("none", ""))).is_ok());
        assert!(with(Some(file("own", "example.org. IN DS 12345 13 2 AB12\n"))).is_ok());
        let garbage = with(Some(file("garbage", "example.org. IN A 192.0.2.1\n")));
        assert!(matches!(garbage, Err(VendorError::Anchors(_))), "{garbage:?}");
        let missing = with(Some(folder.path().join("missing")));
        assert!(matches!(missing, Err(VendorError::AnchorsFile(_))), "{missing:?}");
    }
}
