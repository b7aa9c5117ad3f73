//! Whether the broker's token may do what the offerings need: asked by reading only.

use super::{
    client::{CallError, Client, Probe, Product},
    custom_hostname, d1, dns_record, hyperdrive, kv, minting, pages_domain, queue, r2, registrar, secrets,
    token, turnstile, vectorize, worker_domain, www_redirect, zone,
};
use crate::providers::{Credential, Need, Standing};

/// The probes, one for each table of calls.
static PROBES: [&Probe; 18] = [
    &d1::PROBE,
    &token::PROBE,
    &secrets::PROBE,
    &pages_domain::PROBE,
    &kv::PROBE,
    &queue::PROBE,
    &r2::PROBE,
    &minting::PROBE,
    &turnstile::PROBE,
    &hyperdrive::PROBE,
    &vectorize::PROBE,
    &dns_record::PROBE,
    &zone::PROBE,
    &worker_domain::PROBE,
    &custom_hostname::PROBE,
    &www_redirect::PROBE,
    &registrar::PROBE,
    &registrar::SANDBOX_PROBE,
];

/// The probe of a table of calls.
fn probe_of(product: &Product) -> Option<&'static Probe> {
    PROBES.into_iter().find(|probe| std::ptr::eq(probe.product, product))
}

impl Client {
    /// What Cloudflare says of the broker's token.
    pub async fn credential(&self) -> Credential {
        let standing = match self.verified(minting::VERIFICATION).await {
            Ok(verified) if verified.status == "active" => {
                Standing::Accepted { expires_on: verified.expires_on, note: None }
            }
            Ok(_) => Standing::Refused(
                "Cloudflare says that it is not active; make another one in the dashboard under API tokens"
                    .to_owned(),
            ),
            Err(CallError::Credentials { .. }) => Standing::Refused(
                "Cloudflare does not accept it; check that it is a token of the account, copied as a whole"
                    .to_owned(),
            ),
            Err(error @ CallError::Misrouted { .. }) => Standing::Refused(error.describe("ask about it")),
            Err(error) => Standing::NotKnown(error.describe("ask about it")),
        };
        Credential { name: "cloudflare: api_token".to_owned(), standing }
    }

    /// What the calls of these tables need, and whether it is there.
    pub(super) async fn needs(&self, products: &[&'static Product]) -> Vec<Need> {
        let mut needs = Vec::new();
        for probe in products.iter().filter_map(|product| probe_of(product)) {
            needs.push(self.need(probe).await);
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::{super::calls::tables, *};

    #[test]
    fn every_table_of_calls_has_a_probe_in_it() {
        for (offering, product) in tables() {
            let probe = probe_of(product);
            let probe = probe.unwrap_or_else(|| panic!("{offering}: declare a PROBE, and name it above"));
            assert!(probe.endpoint.method.is_safe(), "{offering}");
            assert!(product.endpoints.contains(&probe.endpoint), "{offering}");
        }
    }

    #[test]
    fn the_page_about_cloudflare_names_the_same_permissions() {
        let page = include_str!("../../../../docs/cloudflare.md");
        for (offering, product) in tables() {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{offering}`"))).expect(offering);
            for permission in probe_of(product).expect(offering).permissions.split(", ") {
                assert!(row.contains(permission), "{offering}: {permission} is not in {row}");
            }
        }
    }
}
