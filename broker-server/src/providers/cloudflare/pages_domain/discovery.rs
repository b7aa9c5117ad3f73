//! Domains that nobody tracks: listing them, and taking one over that serves.

use async_trait::async_trait;
use serde_json::json;
use sutler_catalog::cloudflare::pages_domain::Parameters;

use super::{
    super::{
        client::{CallError, Cursor},
        recorded,
    },
    LOOKING, PagesDomain,
    domains::NamedDomain,
    watch::Known,
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

#[async_trait]
impl Discovery for PagesDomain {
    /// A page of projects, with all domains of each.
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let found = self.pages.projects(Cursor::read(cursor)?).await;
        let (projects, next) = found.map_err(|error| error.while_asking("list the Pages projects"))?;
        let mut objects = Vec::new();
        for project in projects {
            match self.pages.domains(&project).await {
                Ok(domains) => objects.extend(domains.iter().map(|domain| thing(&project, domain))),
                // it went while we looked
                Err(CallError::Missing { .. }) => {}
                Err(error) => return Err(error.while_asking("list the domains of a Pages project")),
            }
        }
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let Some((project, hostname)) = parts(id) else { return Ok(None) };
        match self.pages.read(project, hostname).await {
            Ok(found) => {
                let named = NamedDomain { name: hostname.to_owned(), status: found.status };
                Ok(Some(thing(project, &named)))
            }
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.while_asking(LOOKING)),
        }
    }

    /// Asks only. A domain has no place for a mark: that it is ours stands in our record, with Cloudflare's id of it.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Parameters { project, hostname } = recorded::wanted(&step.instance.parameters)?;
        if parts(id) != Some((&project, &hostname)) {
            let description =
                format!("hostname: what is asked for is {project}/{hostname}, and not the object {id}");
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        }
        let missing = || {
            let description = format!("hostname: {hostname} is not attached to the Pages project {project}");
            ProviderError::refused(Refusal::Unsupported, description)
        };
        let target = match self.pages.subdomain(&project).await {
            Ok(target) => target,
            Err(CallError::Missing { .. }) => return Err(missing()),
            Err(error) => return Err(error.while_asking("look at the Pages project")),
        };
        match self.pages.read(&project, &hostname).await {
            Ok(found) if found.status == "active" => {
                self.done(&Known { project, hostname, domain_id: Some(found.id), target })
            }
            Ok(_) => {
                let description = format!("hostname: {hostname} does not serve yet; adopt it when it does");
                Err(ProviderError::refused(Refusal::Unsupported, description))
            }
            Err(CallError::Missing { .. }) => Err(missing()),
            Err(error) => Err(error.while_asking(LOOKING)),
        }
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let known: Known = recorded::remembered(instance.record.as_ref())?;
        Some(format!("{}/{}", known.project, known.hostname))
    }
}

fn thing(project: &str, domain: &NamedDomain) -> VendorThing {
    let hostname = &domain.name;
    let serves = domain.status == "active";
    VendorThing {
        id: format!("{project}/{hostname}"),
        name: hostname.clone(),
        mark: None,
        parameters: [("project", project), ("hostname", hostname)]
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .into_iter()
            .collect(),
        not_adoptable: (!serves).then(|| "it does not serve yet".to_owned()),
    }
}

/// Project and host name, where both have the form of one.
fn parts(id: &str) -> Option<(&str, &str)> {
    let (project, hostname) = id.split_once('/')?;
    let plain = |text: &str, more: &[u8]| {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-') || more.contains(&byte);
        (1..=253).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(known)
    };
    (plain(project, b"") && plain(hostname, b".")).then_some((project, hostname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_26_an_object_that_cannot_be_one_is_not_asked_for() {
        assert_eq!(parts("shop-site/www.shop.example"), Some(("shop-site", "www.shop.example")));
        for odd in
            ["", "shop-site", "/www.shop.example", "shop-site/", "a/b/c", "../x", "a/..", "a/B", "a/b?c"]
        {
            assert_eq!(parts(odd), None, "{odd}");
        }
    }
}
