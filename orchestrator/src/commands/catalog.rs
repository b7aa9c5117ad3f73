//! `catalog`: what the configured brokers offer.

use sutler_spec::ServiceOffering;

use super::failure::Failure;
use super::project::Project;

/// One broker's offerings.
#[derive(Debug)]
pub struct Listing {
    /// The broker.
    pub broker: String,
    /// Where it is.
    pub url: String,
    /// What it offers; a dashboard client's secret is left out.
    pub services: Vec<ServiceOffering>,
}

/// Asks all brokers, or one.
///
/// # Errors
/// When a broker cannot be used, or there is none of that name.
pub async fn catalog(project: &Project, only: Option<&str>) -> Result<Vec<Listing>, Failure> {
    if let Some(name) = only
        && !project.config.brokers.keys().any(|broker| broker.as_str() == name)
    {
        let known: Vec<&str> = project.config.brokers.keys().map(crate::name::BrokerName::as_str).collect();
        return Err(Failure::usage(format!(
            "there is no broker '{name}' in the configuration; there is: {}",
            known.join(", ")
        )));
    }
    let brokers = project.connect_to(|broker| only.is_none_or(|name| broker.as_str() == name)).await?;
    let listing = |broker: &crate::brokers::ConnectedBroker| Listing {
        broker: broker.name.to_string(),
        url: broker.client.base_url().to_string(),
        services: broker.index.catalog().services.iter().cloned().map(without_secret).collect(),
    };
    Ok(brokers.iter().map(listing).collect())
}

fn without_secret(mut offering: ServiceOffering) -> ServiceOffering {
    offering.dashboard_client = None;
    offering
}
