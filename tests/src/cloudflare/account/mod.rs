//! One account: the objects in it, and what each operation does to them.

pub(crate) mod access;
mod bucket_domains;
mod buckets;
mod custom_hostnames;
mod databases;
mod domains;
mod hyperdrives;
mod identity;
mod indexes;
mod namespaces;
pub(crate) mod pages;
mod permission_groups;
mod policies;
mod queues;
mod records;
mod redirects;
mod registrar;
pub(crate) mod s3;
mod secrets;
mod shelf;
pub(crate) mod snapshot;
mod sql;
mod tags;
mod tokens;
mod widgets;
mod worker_domains;
mod zones;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::call::Call;
use super::envelope::{Answer, Refusal};
use super::ledger::Kind;
use shelf::Shelf;

/// What an operation comes to.
pub(crate) type Worked = Result<Answer, Refusal>;
/// An operation.
pub(crate) type Work = fn(&mut Account, &Call) -> Worked;

/// How fast the account shows what was done to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) pages_delay: Duration,
    pub(crate) pages_reads: u32,
    pub(crate) eventual_listing: Duration,
}

/// Everything that exists.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) pace: Pace,
    databases: databases::Databases,
    tokens: tokens::Tokens,
    scripts: secrets::Scripts,
    pages: pages::Pages,
    tags: tags::Tags,
    namespaces: Shelf,
    queues: Shelf,
    widgets: Shelf,
    hyperdrives: Shelf,
    indexes: Shelf,
    zones: Shelf,
    records: Shelf,
    redirects: Shelf,
    /// The ruleset of each zone that has one.
    rulesets: HashMap<String, String>,
    worker_domains: Shelf,
    custom_hostnames: Shelf,
    buckets: Shelf,
    /// How far each host name of a bucket is.
    bucket_domains: HashMap<String, bucket_domains::Looks>,
    registrar: registrar::Registrar,
    registrar_sandbox: registrar::Registrar,
    /// Names of Vectorize indexes that were deleted.
    buried: HashSet<String>,
}

impl Account {
    /// An account with nothing in it.
    pub(crate) fn new(id: &str, pace: Pace) -> Self {
        Self {
            id: id.to_owned(),
            pace,
            databases: databases::Databases::default(),
            tokens: tokens::Tokens::default(),
            scripts: secrets::Scripts::default(),
            pages: pages::Pages::default(),
            tags: tags::Tags::default(),
            namespaces: Shelf::of(Kind::Namespace),
            queues: Shelf::of(Kind::Queue),
            widgets: Shelf::of(Kind::Widget),
            hyperdrives: Shelf::of(Kind::Hyperdrive),
            indexes: Shelf::of(Kind::VectorIndex),
            zones: Shelf::of(Kind::Zone),
            records: Shelf::of(Kind::DnsRecord),
            redirects: Shelf::of(Kind::RedirectRule),
            rulesets: HashMap::new(),
            worker_domains: Shelf::of(Kind::WorkerDomain),
            custom_hostnames: Shelf::of(Kind::CustomHostname),
            buckets: Shelf::of(Kind::Bucket),
            bucket_domains: HashMap::new(),
            registrar: registrar::Registrar::real(),
            registrar_sandbox: registrar::Registrar::sandbox(),
            buried: HashSet::new(),
        }
    }

    /// Whether an object of this age is listed already.
    fn lists(&self, born: Instant) -> bool {
        born.elapsed() >= self.pace.eventual_listing
    }

    /// All products whose objects stand on shelves.
    fn shelves(&self) -> [&Shelf; 11] {
        [
            &self.namespaces,
            &self.queues,
            &self.widgets,
            &self.hyperdrives,
            &self.indexes,
            &self.zones,
            &self.records,
            &self.redirects,
            &self.worker_domains,
            &self.custom_hostnames,
            &self.buckets,
        ]
    }

    /// Makes a Worker exist.
    pub(crate) fn declare_script(&mut self, name: &str, undeployed_version: bool) {
        self.scripts.declare(name, undeployed_version);
    }

    /// Removes a Worker and its secrets. Says whether it was there.
    pub(crate) fn remove_script(&mut self, name: &str) -> bool {
        self.scripts.remove(name)
    }

    /// Says how the validation of a host name ends, from now on.
    pub(crate) fn end_validation(&mut self, hostname: &str, outcome: pages::Outcome) {
        self.pages.end_validation(hostname, outcome);
    }
}

/// The work behind an operation of the contract.
pub(crate) fn work_of(operation: &str) -> Option<Work> {
    stored(operation)
        .or_else(|| in_r2(operation))
        .or_else(|| secret(operation))
        .or_else(|| named(operation))
        .or_else(|| registrar::work_of(operation))
}

/// Of what keeps data.
fn stored(operation: &str) -> Option<Work> {
    Some(match operation {
        "d1.list" => databases::list,
        "d1.create" => databases::create,
        "d1.get" => databases::get,
        "d1.patch" => databases::patch,
        "d1.put" => databases::put,
        "d1.delete" => databases::delete,
        "d1.query" => databases::query,
        "kv.list" => namespaces::list,
        "kv.create" => namespaces::create,
        "kv.get" => namespaces::get,
        "kv.delete" => namespaces::delete,
        "kv.keys" => namespaces::keys,
        "kv.write" => namespaces::write,
        "queues.list" => queues::list,
        "queues.create" => queues::create,
        "queues.get" => queues::get,
        "queues.patch" => queues::patch,
        "queues.delete" => queues::delete,
        "queues.metrics" => queues::metrics,
        "queues.send" => queues::send,
        "queues.consume" => queues::consume,
        "hyperdrive.list" => hyperdrives::list,
        "hyperdrive.create" => hyperdrives::create,
        "hyperdrive.get" => hyperdrives::get,
        "hyperdrive.patch" => hyperdrives::patch,
        "hyperdrive.delete" => hyperdrives::delete,
        "vectorize.list" => indexes::list,
        "vectorize.create" => indexes::create,
        "vectorize.get" => indexes::get,
        "vectorize.delete" => indexes::delete,
        "vectorize.info" => indexes::info,
        "vectorize.properties" => indexes::properties,
        "vectorize.add" => indexes::add,
        "vectorize.remove" => indexes::remove,
        "vectorize.insert" => indexes::insert,
        _ => return None,
    })
}

/// Of R2.
fn in_r2(operation: &str) -> Option<Work> {
    Some(match operation {
        "r2.list" => buckets::list,
        "r2.create" => buckets::create,
        "r2.get" => buckets::get,
        "r2.patch" => buckets::patch,
        "r2.delete" => buckets::delete,
        "r2.cors" => buckets::cors,
        "r2.set_cors" => buckets::set_cors,
        "r2.drop_cors" => buckets::drop_cors,
        "r2.lifecycle" => buckets::lifecycle,
        "r2.set_lifecycle" => buckets::set_lifecycle,
        "r2.managed" => buckets::managed,
        "r2.set_managed" => buckets::set_managed,
        "r2.objects" => buckets::objects,
        "r2.put_object" => buckets::put_object,
        "r2.delete_object" => buckets::delete_object,
        "r2.domains" => bucket_domains::list,
        "r2.attach" => bucket_domains::attach,
        "r2.set_domain" => bucket_domains::set,
        "r2.detach" => bucket_domains::detach,
        _ => return None,
    })
}

/// Of what lets somebody in.
fn secret(operation: &str) -> Option<Work> {
    Some(match operation {
        "tokens.list" => tokens::list,
        "tokens.create" => tokens::create,
        "tokens.verify" => tokens::verify,
        "tokens.permission_groups" => tokens::permission_groups,
        "tokens.get" => tokens::get,
        "tokens.put" => tokens::put,
        "tokens.delete" => tokens::delete,
        "tokens.roll" => tokens::roll,
        "secrets.list" => secrets::list,
        "secrets.put" => secrets::put,
        "secrets.get" => secrets::get,
        "secrets.delete" => secrets::delete,
        "secrets.bulk" => secrets::bulk,
        "turnstile.list" => widgets::list,
        "turnstile.create" => widgets::create,
        "turnstile.get" => widgets::get,
        "turnstile.put" => widgets::put,
        "turnstile.delete" => widgets::delete,
        "turnstile.rotate" => widgets::rotate,
        _ => return None,
    })
}

/// Of what has a name in public, and of tags.
fn named(operation: &str) -> Option<Work> {
    Some(match operation {
        "pages.list" => pages::list,
        "pages.create" => pages::create,
        "pages.get" => pages::get,
        "pages.delete" => pages::delete,
        "domains.list" => domains::list,
        "domains.create" => domains::create,
        "domains.get" => domains::get,
        "domains.retry" => domains::retry,
        "domains.delete" => domains::delete,
        "tags.get" => tags::get,
        "tags.put" => tags::put,
        "tags.delete" => tags::delete,
        "zones.list" => zones::list,
        "zones.create" => zones::create,
        "zones.delete" => zones::delete,
        "zones.delegate" => zones::delegate,
        "records.list" => records::list,
        "records.get" => records::get,
        "records.create" => records::create,
        "records.delete" => records::delete,
        "records.batch" => records::batch,
        "redirects.get" => redirects::get,
        "redirects.create" => redirects::create,
        "redirects.add" => redirects::add,
        "redirects.patch" => redirects::patch,
        "redirects.delete" => redirects::delete,
        "custom_hostnames.list" => custom_hostnames::list,
        "custom_hostnames.create" => custom_hostnames::create,
        "custom_hostnames.get" => custom_hostnames::get,
        "custom_hostnames.patch" => custom_hostnames::patch,
        "custom_hostnames.delete" => custom_hostnames::delete,
        "custom_hostnames.settle" => custom_hostnames::settle,
        "worker_domains.list" => worker_domains::list,
        "worker_domains.put" => worker_domains::put,
        "worker_domains.get" => worker_domains::get,
        "worker_domains.delete" => worker_domains::delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::work_of;
    use crate::vendor::contract::Contract;

    #[test]
    fn every_operation_of_the_contract_is_done() {
        let contract = Contract::cloudflare().unwrap();
        for operation in contract.operations() {
            assert!(work_of(&operation.id).is_some(), "{}", operation.id);
        }
    }
}
