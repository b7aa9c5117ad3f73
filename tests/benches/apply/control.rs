//! The same requests with the same client, and nothing else: no plan, no state.

use std::sync::Arc;

use sutler_broker_client as client;
use sutler_spec::{Asynchrony, BindRequest, BindingId, InstanceId, PlanId, ProvisionRequest, ServiceId};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::shape::Shape;
use super::{Failure, PARALLELISM};

/// As many at once as apply has, in no order.
pub(crate) async fn all(url: &str, shape: Shape, instances: usize) -> Result<(), Failure> {
    let client = connect(url).await?;
    let places = Arc::new(Semaphore::new(PARALLELISM));
    let mut tasks = JoinSet::new();
    for n in 0..instances {
        let (client, place) = (Arc::clone(&client), Arc::clone(&places).acquire_owned().await?);
        let is_bound = shape.is_bound(n, instances);
        tasks.spawn(async move {
            one(&client, n, is_bound).await;
            drop(place);
        });
        while tasks.try_join_next().is_some() {}
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

/// Layer by layer, which is the list schedule when a layer is as wide as there are places.
pub(crate) async fn layers(url: &str, shape: Shape, instances: usize, width: usize) -> Result<(), Failure> {
    let client = connect(url).await?;
    for layer in (0..instances).step_by(width) {
        let mut tasks = JoinSet::new();
        for n in layer..(layer + width).min(instances) {
            let (client, is_bound) = (Arc::clone(&client), shape.is_bound(n, instances));
            tasks.spawn(async move { one(&client, n, is_bound).await });
        }
        tasks.join_all().await;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<Arc<client::Client>, Failure> {
    let client = Arc::new(client::Client::new(client::Settings::new(url.parse()?))?);
    client.catalog(None).await?;
    Ok(client)
}

async fn one(client: &client::Client, n: usize, is_bound: bool) {
    let (service_id, plan_id) =
        (ServiceId::new("service").expect("an id"), PlanId::new("plan").expect("an id"));
    let instance = InstanceId::new(format!("i{n}")).expect("an id");
    let provision = ProvisionRequest {
        service_id: service_id.clone(),
        plan_id: plan_id.clone(),
        organization_guid: "o".to_owned(),
        space_guid: "s".to_owned(),
        context: None,
        parameters: None,
        maintenance_info: None,
    };
    client.provision(&instance, &provision, Asynchrony::Allowed).await.expect("an instant broker");
    if !is_bound {
        return;
    }
    let bind = BindRequest { service_id: Some(service_id), plan_id: Some(plan_id), ..BindRequest::default() };
    let binding = BindingId::new(format!("b{n}")).expect("an id");
    client.bind(&instance, &binding, &bind, Asynchrony::Allowed).await.expect("an instant broker");
}
