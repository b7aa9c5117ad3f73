//! `docs/services`: a page for every service that we ship, made from its declaration and from the calls in its table.

use std::{fmt::Write as _, fs, path::PathBuf};

use sutler_broker_server::providers::{cloudflare, stripe};
use sutler_catalog::{
    Offering, cloudflare as cloudflare_offerings, domain::registration, stripe as stripe_offerings,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/services")
}

/// Every offering with the calls that its provider may make, as `METHOD path`.
fn services() -> Vec<(Offering, Vec<String>)> {
    let offerings = cloudflare_offerings::offerings()
        .into_iter()
        .chain(stripe_offerings::offerings(&stripe_offerings::Mode::ALL))
        .chain([registration::offering(&registration::Registrar::ALL)]);
    let cloudflare = cloudflare::calls().into_iter();
    let cloudflare = cloudflare.map(|call| (call.offering, format!("{} {}", call.method, call.template)));
    let stripe = stripe::calls().into_iter();
    let stripe = stripe.map(|call| (call.offering, format!("{} {}", call.method, call.template)));
    let calls: Vec<(&str, String)> = cloudflare.chain(stripe).collect();
    let with_calls = |offering: Offering| {
        let own = calls.iter().filter(|(name, _)| *name == offering.name()).map(|(_, call)| call.clone());
        let own = own.collect();
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
        let _ = writeln!(page, "- `{call}`");
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
