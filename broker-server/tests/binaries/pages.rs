//! `docs/services`: a page for every service that we ship, made from its declaration and from the calls in its table.

use std::{fmt::Write as _, fs, path::PathBuf};

use sutler_broker_server::providers::{VendorCall, acme, cloudflare, dnsimple, stripe, verification};
use sutler_catalog::{
    Offering, cloudflare as cloudflare_offerings,
    domain::{
        certificate::{self, Zones},
        record::{self, Backend},
        registration, verification as verification_offering, zone,
    },
    stripe as stripe_offerings,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/services")
}

/// Every offering with the calls that its providers may make, as `METHOD path`, and at whom where there are several.
fn services() -> Vec<(Offering, Vec<String>)> {
    let offerings = cloudflare_offerings::offerings()
        .into_iter()
        .chain(stripe_offerings::offerings(&stripe_offerings::Mode::ALL))
        .chain([
            record::offering(&Backend::ALL),
            verification_offering::offering(),
            certificate::offering(&Zones::ALL),
            registration::offering(&registration::Registrar::ALL),
            zone::whole(),
        ]);
    let vendors = [
        ("Cloudflare", cloudflare::calls()),
        ("R2's S3 interface, with the key of a new binding", cloudflare::s3_calls()),
        ("DNSimple", dnsimple::calls()),
        ("Stripe", stripe::calls()),
    ];
    let of_vendor = |(vendor, calls): (&'static str, Vec<VendorCall>)| {
        calls
            .into_iter()
            .map(move |call| (call.offering, vendor, format!("{} {}", call.method, call.template)))
    };
    let own = |offering, calls: &'static [&'static str]| {
        calls.iter().map(move |call| (offering, "", (*call).to_owned()))
    };
    let domains =
        own(certificate::NAME, &acme::CALLS).chain(own(verification_offering::NAME, &verification::CALLS));
    let calls: Vec<(&str, &str, String)> = vendors.into_iter().flat_map(of_vendor).chain(domains).collect();
    let with_calls = |offering: Offering| {
        let own: Vec<_> = calls.iter().filter(|(name, ..)| *name == offering.name()).collect();
        let is_one = own.iter().all(|(_, vendor, _)| *vendor == own[0].1);
        let told = |(_, vendor, call): &&(&str, &str, String)| {
            if is_one { format!("`{call}`") } else { format!("`{call}` at {vendor}") }
        };
        let own = own.iter().map(told).collect();
        (offering, own)
    };
    offerings.map(with_calls).collect()
}

fn page(offering: &Offering, calls: &[String]) -> String {
    let mut page = offering.to_markdown();
    // writing to a text does not fail
    let _ = writeln!(
        page,
        "\n## Calls\n\nWhat the broker's key or token must be allowed to do, and nothing else:\n"
    );
    for call in calls {
        let _ = writeln!(page, "- {call}");
    }
    page
}

#[test]
fn every_service_has_a_page_that_is_true() {
    let services = services();
    assert!(services.len() > 12 && services.iter().all(|(_, calls)| calls.len() > 1));
    for (offering, calls) in &services {
        let (path, written) = (folder().join(format!("{}.md", offering.name())), page(offering, calls));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &written).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == written,
            "{} differs; run UPDATE_GOLDEN=1 cargo test -p sutler-broker-server",
            path.display()
        );
    }
    let pages = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = pages.filter(|name| name != "README.md").collect();
    pages.sort();
    let mut expected: Vec<String> =
        services.iter().map(|(offering, _)| format!("{}.md", offering.name())).collect();
    expected.sort();
    assert_eq!(pages, expected, "no page without a service");
}

#[test]
fn the_list_of_services_names_every_page() {
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    for (offering, _) in services() {
        let link = format!("| [`{0}`]({0}.md) |", offering.name());
        assert!(list.contains(&link), "docs/services/README.md does not have {link}");
    }
}
