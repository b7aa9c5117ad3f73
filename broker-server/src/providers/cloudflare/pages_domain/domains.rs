//! The calls about a Pages project's domains.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::client::{Api, Call, CallError, Client, Cursor, Endpoint, Place, Probe, Product};
use crate::providers::Sent;

static PROJECTS: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/pages/projects" };
static DOMAINS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/pages/projects/{project}/domains" };
static PROJECT: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/pages/projects/{project}" };
static ADD: Endpoint =
    Endpoint { method: Method::POST, template: "/accounts/{account}/pages/projects/{project}/domains" };
static READ: Endpoint = Endpoint {
    method: Method::GET,
    template: "/accounts/{account}/pages/projects/{project}/domains/{domain}",
};
static RETRY: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

/// There is no such project.
pub(super) const NO_PROJECT: i64 = 8_000_007;

/// Pages: 8000007 no such project, 8000021 no such domain, 8000018 the domain is there already.
pub(super) static PAGES: Product = Product {
    endpoints: &[&PROJECTS, &DOMAINS, &PROJECT, &ADD, &READ, &RETRY, &DELETE],
    missing: &[NO_PROJECT, 8_000_021],
    exists: &[8_000_018],
    transient: &[],
    advice: &[],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &PAGES,
    endpoint: &PROJECT,
    place: Place::Account(&["sutler-check"]),
    query: &[],
    headers: &[],
    permissions: "Pages Write",
};

/// A domain as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Domain {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) validation_data: Option<Validation>,
}

/// How the right to the host name is proven.
#[derive(Debug, Deserialize)]
pub(super) struct Validation {
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) txt_value: Option<String>,
}

/// A domain as it is listed.
#[derive(Debug, Deserialize)]
pub(super) struct NamedDomain {
    pub(super) name: String,
    pub(super) status: String,
}

#[derive(Deserialize)]
struct NamedProject {
    name: String,
}

/// So many projects are looked at for one page of domains.
const PROJECTS_AT_ONCE: u32 = 10;

#[derive(Deserialize)]
struct Project {
    subdomain: String,
}

/// All Pages projects of the account.
#[derive(Debug)]
pub(super) struct Pages {
    api: Api,
}

impl Pages {
    pub(super) fn new(client: &Client) -> Self {
        Self { api: client.of(&PAGES) }
    }

    pub(super) fn client(&self) -> &Client {
        self.api.client()
    }

    /// The project's own host name, if it has the form of one.
    pub(super) async fn subdomain(&self, project: &str) -> Result<Option<String>, CallError> {
        let Project { subdomain } = self.api.send(&Call::new(&PROJECT, &[project])).await?.into()?;
        let label = subdomain.strip_suffix(".pages.dev");
        let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_one = label.is_some_and(|label| (1..=63).contains(&label.len()) && label.bytes().all(known));
        Ok(is_one.then_some(subdomain))
    }

    /// The names of a page of projects.
    pub(super) async fn projects(&self, cursor: Cursor) -> Result<(Vec<String>, Option<Cursor>), CallError> {
        let (rows, next) = self.api.page(Call::new(&PROJECTS, &[]), cursor, PROJECTS_AT_ONCE).await?;
        let projects: Result<Vec<NamedProject>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let projects = projects.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok((projects.into_iter().map(|project| project.name).collect(), next))
    }

    /// All domains of a project; Cloudflare tells them in one answer.
    pub(super) async fn domains(&self, project: &str) -> Result<Vec<NamedDomain>, CallError> {
        self.api.send(&Call::new(&DOMAINS, &[project])).await?.into()
    }

    pub(super) async fn add(&self, project: &str, hostname: &str) -> Result<Domain, CallError> {
        let body = json!({ "name": hostname });
        self.api.send(&Call::new(&ADD, &[project]).body(body)).await?.into()
    }

    pub(super) async fn read(&self, project: &str, hostname: &str) -> Result<Domain, CallError> {
        self.api.send(&Call::new(&READ, &[project, hostname])).await?.into()
    }

    /// Validates once more.
    pub(super) async fn retry(&self, project: &str, hostname: &str) -> Result<(), CallError> {
        self.api.send(&Call::new(&RETRY, &[project, hostname])).await.map(|_| ())
    }

    pub(super) async fn delete(&self, project: &str, hostname: &str) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[project, hostname])).await.map(|_| ())
    }
}
