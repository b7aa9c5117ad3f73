//! What is behind the offerings: the seam every vendor's code plugs into, and the vendors we ship.

mod account;
mod by_plan;
pub mod cloudflare;
#[cfg(feature = "testing")]
pub mod contract;
mod discovery;
pub mod dns;
pub mod egress;
mod listing;
mod marker;
mod probe;
mod provider;
mod registration;
mod registry;
pub mod rfc2136;
mod rights;
#[cfg(any(test, feature = "testing"))]
pub mod scripted;
pub mod stripe;
pub mod typed;

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
use sutler_secrets::SecretString;

use crate::config::{CloudflareAccount, StripeAccount, Tuning, Vendors};

/// A vendor cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VendorError {
    /// Cloudflare.
    #[error("could not use the vendor cloudflare as it is configured")]
    Cloudflare(#[source] cloudflare::ConfigError),
    /// Stripe.
    #[error("could not use the vendor stripe as it is configured")]
    Stripe(#[source] stripe::ConfigError),
}

/// Every service we ship whose vendor is configured: one line each.
///
/// # Errors
/// When a vendor's configuration cannot be used.
pub fn built_in(vendors: &Vendors, tuning: &Tuning) -> Result<Vec<Arc<dyn Provider>>, VendorError> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    let mut registrars: Vec<Arc<dyn Provider>> = Vec::new();
    if let Some(account) = &vendors.cloudflare {
        let client = cloudflare_client(account, tuning)?;
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
        if let Some(policy) = &account.registration {
            registrars.push(Arc::new(cloudflare::registration(&client, policy.into())));
        }
        registrars.push(Arc::new(cloudflare::sandbox_registration(&client)));
    }
    if let Some(account) = &vendors.stripe {
        let client = stripe_client(account, tuning)?;
        providers.extend(stripe::providers(&client));
    }
    if let Some(registration) = ByPlan::of(registrars) {
        providers.push(Arc::new(registration));
    }
    if let Some(probe) = &vendors.probe {
        providers.extend(Probe::configured(probe.clone()));
    }
    Ok(providers)
}

/// What the vendors say of the credentials in the configuration, vendor by vendor. Only reads.
///
/// # Errors
/// When a vendor's configuration cannot be used.
pub async fn credentials(vendors: &Vendors, tuning: &Tuning) -> Result<Vec<Credential>, VendorError> {
    let mut credentials = Vec::new();
    if let Some(account) = &vendors.cloudflare {
        credentials.push(cloudflare_client(account, tuning)?.credential().await);
    }
    if let Some(account) = &vendors.stripe {
        credentials.extend(stripe_client(account, tuning)?.credentials().await);
    }
    Ok(credentials)
}

fn cloudflare_client(
    account: &CloudflareAccount,
    tuning: &Tuning,
) -> Result<cloudflare::Client, VendorError> {
    let client = cloudflare::Client::new(&cloudflare::CloudflareConfig {
        base_url: account.base_url.clone(),
        account_id: account.account_id.clone(),
        api_token: account.api_token.duplicate(),
        call_timeout: tuning.call_deadline(),
        calls_per_five_minutes: account
            .calls_per_five_minutes
            .unwrap_or(cloudflare::CloudflareConfig::DEFAULT_CALLS),
    });
    Ok(client.map_err(VendorError::Cloudflare)?.poll_every(tuning.poll_interval))
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
