//! From what a user asks for to policies in Cloudflare's form. Fails closed: what is not certain is refused.

use std::{collections::BTreeSet, net::IpAddr};

use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::token::{Access, BucketJurisdiction, FORBIDDEN_PERMISSIONS, Parameters};

use super::tokens::Group;

/// What can be reached as a whole.
const ACCOUNT: &str = "com.cloudflare.api.account";
const ZONE: &str = "com.cloudflare.api.account.zone";
const BUCKET: &str = "com.cloudflare.edge.r2.bucket";

/// One thing a token reaches.
struct Reach {
    /// The parameter that asks for it.
    parameter: &'static str,
    /// Its name in policies.
    resource: String,
    /// The scope that permission groups for it have.
    scope: &'static str,
    /// The product whose groups are meant when none are named.
    product: Option<&'static str>,
}

fn reaches(wanted: &Parameters, account: &str) -> Vec<Reach> {
    let mut reaches = Vec::new();
    let mut add = |parameter, resource, scope, product| {
        reaches.push(Reach { parameter, resource, scope, product });
    };
    let resources = &wanted.resources;
    if resources.database.is_some() {
        // Cloudflare has no scope for one database
        add("resources.database", format!("{ACCOUNT}.{account}"), ACCOUNT, Some("D1"));
    }
    if resources.account == Some(true) {
        add("resources.account", format!("{ACCOUNT}.{account}"), ACCOUNT, None);
    }
    if let Some(zone) = &resources.zone {
        add("resources.zone", format!("{ZONE}.{zone}"), ZONE, Some("DNS"));
    }
    if let Some(bucket) = &resources.bucket {
        let jurisdiction = match bucket.jurisdiction {
            BucketJurisdiction::Default => "default",
            BucketJurisdiction::Eu => "eu",
            BucketJurisdiction::Us => "us",
            BucketJurisdiction::Fedramp => "fedramp",
        };
        let resource = format!("{BUCKET}.{account}_{jurisdiction}_{}", bucket.name);
        add("resources.bucket", resource, BUCKET, Some("Workers R2 Storage Bucket Item"));
    }
    reaches
}

/// The policies, one for each resource, or what is wrong with what was asked for.
pub(super) fn policies(wanted: &Parameters, account: &str, groups: &[Group]) -> Result<Value, String> {
    let mut by_resource: Map<String, Value> = Map::new();
    let mut used = BTreeSet::new();
    for reach in reaches(wanted, account) {
        let allowed = allowed(&reach, wanted, groups)?;
        used.extend(allowed.iter().map(|group| group.name.clone()));
        let ids = by_resource.entry(reach.resource).or_insert_with(|| json!([]));
        if let Value::Array(ids) = ids {
            let new = allowed.iter().map(|group| json!({ "id": group.id }));
            let new: Vec<Value> = new.filter(|group| !ids.contains(group)).collect();
            ids.extend(new);
        }
    }
    let named = wanted.permissions.iter().flatten();
    if let Some(unused) = named.clone().find(|name| !used.contains(*name)) {
        let known = groups.iter().any(|group| group.name == *unused);
        return Err(if known {
            format!("permissions: {unused} does not apply to any of the resources")
        } else {
            format!("permissions: Cloudflare has no permission group named {unused}")
        });
    }
    let policy = |(resource, groups): (String, Value)| json!({ "effect": "allow", "resources": { resource: "*" }, "permission_groups": groups });
    Ok(by_resource.into_iter().map(policy).collect())
}

/// The groups a resource gets: never none, and never one that makes tokens.
fn allowed<'a>(reach: &Reach, wanted: &Parameters, groups: &'a [Group]) -> Result<Vec<&'a Group>, String> {
    let verb = match wanted.access {
        Access::Read => "Read",
        Access::Write => "Write",
    };
    let implied = reach.product.map(|product| vec![format!("{product} {verb}")]);
    let names = wanted.permissions.clone().or(implied);
    let names = names.ok_or_else(|| format!("permissions: have to be given for {}", reach.parameter))?;
    let fits =
        |group: &&Group| names.contains(&group.name) && group.scopes.iter().any(|scope| scope == reach.scope);
    let found: Vec<&Group> = groups.iter().filter(fits).collect();
    if let Some(forbidden) = found.iter().find(|group| is_forbidden(&group.name)) {
        return Err(format!("permissions: {} is never given", forbidden.name));
    }
    if found.is_empty() {
        let names = names.join(", ");
        return Err(format!("{}: no permission group of Cloudflare fits it ({names})", reach.parameter));
    }
    Ok(found)
}

/// With such a permission a token makes itself mightier.
fn is_forbidden(name: &str) -> bool {
    FORBIDDEN_PERMISSIONS.iter().any(|forbidden| name.trim().eq_ignore_ascii_case(forbidden))
}

/// From where tokens may be used; `None` is from everywhere.
pub(in super::super) fn condition(wanted: &Parameters) -> Option<Value> {
    let addresses = &wanted.allowed_ips;
    (!addresses.is_empty()).then(|| json!({ "request_ip": { "in": addresses } }))
}

/// Whether what Cloudflare shows restricts as was asked for. It takes a condition it does not know without a word.
pub(in super::super) fn is_condition(shown: Option<&Value>, wanted: Option<&Value>) -> bool {
    let addresses = |condition: Option<&Value>| -> BTreeSet<String> {
        let listed = condition.and_then(|condition| condition["request_ip"]["in"].as_array());
        listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    addresses(shown) == addresses(wanted)
}

/// What no schema can say about the parameters.
pub(in super::super) fn problems(wanted: &Parameters) -> Vec<String> {
    let mut problems = Vec::new();
    let named = wanted.permissions.iter().flatten();
    problems.extend(
        named.filter(|name| is_forbidden(name)).map(|name| format!("permissions: {name} is never given")),
    );
    if wanted.resources.account == Some(true) && wanted.permissions.is_none() {
        problems.push("permissions: have to be given for resources.account".to_owned());
    }
    let wrong = wanted.allowed_ips.iter().filter(|text| !is_network(text));
    problems.extend(wrong.map(|text| format!("allowed_ips: {text} is not an address range")));
    problems
}

fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most)
}

#[cfg(test)]
mod tests {
    use sutler_catalog::cloudflare::token::{Bucket, Resources};

    use super::*;

    fn groups() -> Vec<Group> {
        let group = |name: &str, scope: &str| Group {
            id: format!("id of {name}"),
            name: name.to_owned(),
            scopes: vec![scope.to_owned()],
        };
        vec![
            group("D1 Read", ACCOUNT),
            group("D1 Write", ACCOUNT),
            group("DNS Write", ZONE),
            group("DNS Write", "com.cloudflare.api.user"),
            group("Workers R2 Storage Bucket Item Read", BUCKET),
            group("Account API Tokens Write", ACCOUNT),
        ]
    }

    fn ask(resources: Resources, permissions: Option<&[&str]>) -> Result<Value, String> {
        let permissions = permissions.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        policies(&Parameters { resources, permissions, ..Parameters::default() }, "acc", &groups())
    }

    #[test]
    fn each_resource_gets_its_own_policy_with_groups_of_its_scope() {
        let database = Resources { database: Some("u".into()), ..Resources::default() };
        assert_eq!(
            ask(database.clone(), None).unwrap(),
            json!([{
                "effect": "allow",
                "resources": { "com.cloudflare.api.account.acc": "*" },
                "permission_groups": [{ "id": "id of D1 Write" }],
            }])
        );
        let both = Resources { zone: Some("z".into()), ..database };
        let both = ask(both, Some(&["D1 Read", "DNS Write"])).unwrap();
        assert_eq!(both[0]["permission_groups"], json!([{ "id": "id of D1 Read" }]));
        assert_eq!(both[1]["resources"], json!({ "com.cloudflare.api.account.zone.z": "*" }));
        assert_eq!(both[1]["permission_groups"], json!([{ "id": "id of DNS Write" }]));
    }

    #[test]
    fn a_bucket_is_named_with_its_jurisdiction() {
        let bucket = Bucket { name: "files".into(), jurisdiction: BucketJurisdiction::Eu };
        let resources = Resources { bucket: Some(bucket), ..Resources::default() };
        let wanted = Parameters { resources, access: Access::Read, ..Parameters::default() };
        let policies = policies(&wanted, "acc", &groups()).unwrap();
        assert_eq!(policies[0]["resources"], json!({ "com.cloudflare.edge.r2.bucket.acc_eu_files": "*" }));
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        let account = || Resources { account: Some(true), ..Resources::default() };
        let zone = || Resources { zone: Some("z".into()), ..Resources::default() };
        for (asked, told) in [
            (ask(account(), None), "permissions: have to be given"),
            (ask(account(), Some(&["D1 Read", "No Such"])), "no permission group named No Such"),
            (ask(account(), Some(&["D1 Read", "DNS Write"])), "DNS Write does not apply"),
            (ask(zone(), Some(&["D1 Read"])), "resources.zone: no permission group"),
            (ask(account(), Some(&["Account API Tokens Write"])), "is never given"),
        ] {
            let error = asked.unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_condition_counts_only_under_the_name_that_works() {
        let wanted = json!({ "request_ip": { "in": ["10.0.0.0/8", "192.0.2.0/24"] } });
        let reordered = json!({ "request_ip": { "in": ["192.0.2.0/24", "10.0.0.0/8"] } });
        let ignored = json!({ "request.ip": { "in": ["10.0.0.0/8", "192.0.2.0/24"] } });
        assert!(is_condition(Some(&reordered), Some(&wanted)));
        assert!(is_condition(None, None));
        assert!(is_condition(Some(&json!({})), None));
        for shown in [None, Some(&ignored), Some(&json!({ "request_ip": { "in": ["10.0.0.0/8"] } }))] {
            assert!(!is_condition(shown, Some(&wanted)));
        }
        assert!(!is_condition(Some(&wanted), None));
    }

    #[test]
    fn an_address_range_is_one() {
        for good in ["10.0.0.0/8", "::/0", "2001:db8::/128"] {
            assert!(is_network(good), "{good}");
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "::1/x", "fe80::1%1/64"] {
            assert!(!is_network(bad), "{bad}");
        }
    }
}
