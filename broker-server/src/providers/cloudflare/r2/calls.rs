//! The calls about buckets. Each names the jurisdiction: without it, a bucket of another one looks deleted.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sutler_catalog::cloudflare::{d1::Jurisdiction, r2::CustomDomain};

use super::super::client::{Api, Call, CallError, Endpoint, Place, Probe, Product, Unclear};
use super::{domains::Domain, rules::StorageClass};
use crate::providers::Sent;

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}" };
static PATCH: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static CORS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}/cors" };
static SET_CORS: Endpoint = Endpoint { method: Method::PUT, template: CORS.template };
static DROP_CORS: Endpoint = Endpoint { method: Method::DELETE, template: CORS.template };
static LIFECYCLE: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}/lifecycle" };
static SET_LIFECYCLE: Endpoint = Endpoint { method: Method::PUT, template: LIFECYCLE.template };
static MANAGED: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}/domains/managed" };
static SET_MANAGED: Endpoint = Endpoint { method: Method::PUT, template: MANAGED.template };
static DOMAINS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}/domains/custom" };
static ATTACH: Endpoint = Endpoint { method: Method::POST, template: DOMAINS.template };
static SET_DOMAIN: Endpoint = Endpoint {
    method: Method::PUT,
    template: "/accounts/{account}/r2/buckets/{bucket}/domains/custom/{domain}",
};
static DETACH: Endpoint = Endpoint { method: Method::DELETE, template: SET_DOMAIN.template };
static OBJECTS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/r2/buckets/{bucket}/objects" };
static DELETE_OBJECT: Endpoint =
    Endpoint { method: Method::DELETE, template: "/accounts/{account}/r2/buckets/{bucket}/objects/{object}" };

/// There is no such bucket.
pub(super) const NO_BUCKET: i64 = 10006;
/// There is no rule for browsers: not an error, an answer.
const NO_CORS: i64 = 10059;
/// Somebody has to accept R2's terms.
const NOT_ENABLED: &str = "R2 is not enabled in the account; somebody has to accept its terms once, in the dashboard \
                           under R2";
const NOT_EMPTY: &str = "the bucket is not empty; delete its objects and its unfinished uploads, or wait until they \
                         are given up, then delete the instance again";

/// R2: 10006 no such bucket, 10004 and 10073 a bucket of that name exists.
pub(in super::super) static R2: Product = Product {
    endpoints: &[
        &LIST,
        &CREATE,
        &READ,
        &PATCH,
        &DELETE,
        &CORS,
        &SET_CORS,
        &DROP_CORS,
        &LIFECYCLE,
        &SET_LIFECYCLE,
        &MANAGED,
        &SET_MANAGED,
        &DOMAINS,
        &ATTACH,
        &SET_DOMAIN,
        &DETACH,
        &OBJECTS,
        &DELETE_OBJECT,
    ],
    missing: &[NO_BUCKET],
    exists: &[10004, 10073],
    transient: &[],
    advice: &[
        (10005, "it does not accept the name; give the instance another one"),
        (10008, NOT_EMPTY),
        (10009, "the account has too many buckets; delete some, or have the limit raised"),
        (10042, NOT_ENABLED),
        (10053, "it does not know the host name, or the zone is not active in the account"),
    ],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &R2,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[(JURISDICTION, "default")],
    permissions: "Workers R2 Storage Write",
};

/// The header that every call carries.
const JURISDICTION: &str = "cf-r2-jurisdiction";
/// The header that says how new objects are kept.
const STORAGE_CLASS: &str = "cf-r2-storage-class";
/// The most rows of a list in one answer.
pub(super) const PER_PAGE: u32 = 1_000;
/// How many objects are looked at before the next of them is deleted.
const FEW: u32 = 50;
/// More pages than any account has.
const MAX_PAGES: usize = 1_001;

/// The word for a jurisdiction, or for none.
pub(super) fn word(jurisdiction: Option<Jurisdiction>) -> &'static str {
    match jurisdiction {
        None => "default",
        Some(Jurisdiction::Eu) => "eu",
        Some(Jurisdiction::Us) => "us",
        Some(Jurisdiction::Fedramp) => "fedramp",
    }
}

/// A bucket as Cloudflare shows it.
#[derive(Debug, Clone, Deserialize)]
pub(in super::super) struct Bucket {
    pub(super) name: String,
    #[serde(default)]
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) storage_class: Option<StorageClass>,
}

/// The address below r2.dev.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Managed {
    pub(super) domain: String,
    pub(super) enabled: bool,
}

/// The buckets of one jurisdiction.
pub(super) struct Buckets<'a> {
    pub(super) api: &'a Api,
    pub(super) jurisdiction: Option<Jurisdiction>,
}

impl Buckets<'_> {
    fn call<'c>(&self, endpoint: &'static Endpoint, segments: &'c [&'c str]) -> Call<'c> {
        Call::new(endpoint, segments).header(JURISDICTION, word(self.jurisdiction))
    }

    /// All of them.
    pub(super) async fn all(&self) -> Result<Vec<Bucket>, CallError> {
        let (mut buckets, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let (page, next) = self.page(cursor.as_deref(), PER_PAGE).await?;
            buckets.extend(page);
            match next {
                None => return Ok(buckets),
                next => cursor = next,
            }
        }
        Err(CallError::Unavailable { unclear: Unclear::Endless, retry_after: None, sent: Sent::No })
    }

    /// A page of them, and where the next one begins.
    pub(super) async fn page(
        &self,
        cursor: Option<&str>,
        per_page: u32,
    ) -> Result<(Vec<Bucket>, Option<String>), CallError> {
        #[derive(Deserialize)]
        struct Page {
            buckets: Vec<Bucket>,
        }
        let call = self.call(&LIST, &[]).query("per_page", per_page);
        let call = match cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        };
        let mut answer = self.api.send(&call).await?;
        let next = answer.cursor.take();
        Ok((answer.into::<Page>()?.buckets, next))
    }

    pub(super) async fn create(&self, body: Value) -> Result<Bucket, CallError> {
        self.api.send(&self.call(&CREATE, &[]).body(body)).await?.into()
    }

    pub(super) async fn read(&self, name: &str) -> Result<Bucket, CallError> {
        self.api.send(&self.call(&READ, &[name])).await?.into()
    }

    /// How objects are kept that do not say it themselves.
    pub(super) async fn set_storage_class(&self, name: &str, class: StorageClass) -> Result<(), CallError> {
        let segments = [name];
        let call = self.call(&PATCH, &segments).header(STORAGE_CLASS, class.word());
        self.api.send(&call).await.map(drop)
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), CallError> {
        self.api.send(&self.call(&DELETE, &[name])).await.map(drop)
    }

    /// The rules for browsers, as Cloudflare writes them.
    pub(super) async fn cors(&self, name: &str) -> Result<Vec<Value>, CallError> {
        match self.api.send(&self.call(&CORS, &[name])).await {
            Ok(answer) => rules(answer.into()?),
            Err(CallError::Refused { code: Some(NO_CORS), .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn set_cors(&self, name: &str, rules: Vec<Value>) -> Result<(), CallError> {
        let segments = [name];
        if rules.is_empty() {
            return self.api.send(&self.call(&DROP_CORS, &segments)).await.map(drop);
        }
        let call = self.call(&SET_CORS, &segments).body(json!({ "rules": rules }));
        self.api.send(&call).await.map(drop)
    }

    /// The rules for objects that grow old, as Cloudflare writes them.
    pub(super) async fn lifecycle(&self, name: &str) -> Result<Vec<Value>, CallError> {
        rules(self.api.send(&self.call(&LIFECYCLE, &[name])).await?.into()?)
    }

    pub(super) async fn set_lifecycle(&self, name: &str, rules: &[Value]) -> Result<(), CallError> {
        let segments = [name];
        let call = self.call(&SET_LIFECYCLE, &segments).body(json!({ "rules": rules }));
        self.api.send(&call).await.map(drop)
    }

    pub(super) async fn managed(&self, name: &str) -> Result<Managed, CallError> {
        self.api.send(&self.call(&MANAGED, &[name])).await?.into()
    }

    pub(super) async fn set_managed(&self, name: &str, enabled: bool) -> Result<(), CallError> {
        let segments = [name];
        let call = self.call(&SET_MANAGED, &segments).body(json!({ "enabled": enabled }));
        self.api.send(&call).await.map(drop)
    }

    pub(super) async fn domains(&self, name: &str) -> Result<Vec<Domain>, CallError> {
        #[derive(Deserialize)]
        struct Listed {
            domains: Vec<Domain>,
        }
        Ok(self.api.send(&self.call(&DOMAINS, &[name])).await?.into::<Listed>()?.domains)
    }

    pub(super) async fn attach(&self, name: &str, domain: &CustomDomain) -> Result<(), CallError> {
        let mut body = json!({ "domain": domain.domain, "zoneId": domain.zone_id, "enabled": true });
        if let Some(version) = domain.min_tls {
            body["minTLS"] = json!(version);
        }
        let segments = [name];
        self.api.send(&self.call(&ATTACH, &segments).body(body)).await.map(drop)
    }

    pub(super) async fn set_domain(&self, name: &str, domain: &CustomDomain) -> Result<(), CallError> {
        let mut body = json!({ "enabled": true });
        if let Some(version) = domain.min_tls {
            body["minTLS"] = json!(version);
        }
        let segments = [name, &domain.domain];
        self.api.send(&self.call(&SET_DOMAIN, &segments).body(body)).await.map(drop)
    }

    /// That it is not attached is success.
    pub(super) async fn detach(&self, name: &str, domain: &str) -> Result<(), CallError> {
        match self.api.send(&self.call(&DETACH, &[name, domain])).await {
            Ok(_) | Err(CallError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The keys of some objects; none when the bucket is empty.
    pub(super) async fn objects(&self, name: &str) -> Result<Vec<String>, CallError> {
        #[derive(Deserialize)]
        struct Object {
            key: String,
        }
        let segments = [name];
        let answer = self.api.send(&self.call(&OBJECTS, &segments).query("per_page", FEW)).await?;
        let objects: Vec<Object> = answer.into()?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    /// That it is not there is success.
    pub(super) async fn delete_object(&self, name: &str, key: &str) -> Result<(), CallError> {
        match self.api.send(&self.call(&DELETE_OBJECT, &[name, key])).await {
            Ok(_) | Err(CallError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn rules(result: Value) -> Result<Vec<Value>, CallError> {
    match result["rules"].clone() {
        Value::Array(rules) => Ok(rules),
        Value::Null => Ok(Vec::new()),
        _ => Err(CallError::incomplete(Sent::No)),
    }
}
