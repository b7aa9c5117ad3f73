//! One handler per endpoint: what came in is translated, the use case is called, its outcome translated back.

use sutler_spec::{
    BindRequest, BindingId, DeprovisionQuery, InstanceId, ProvisionRequest, UnbindQuery, UpdateRequest,
};

use super::{
    call::Query,
    error::{ApiError, seconds},
    json,
    reply::Reply,
};
use crate::{
    broker::{Broker, Caller, Polled},
    store::Subject,
};

type Handled = Result<Reply, ApiError>;

pub(super) async fn provision(broker: &Broker, id: &InstanceId, body: &[u8], caller: &Caller) -> Handled {
    let required = ["service_id", "plan_id", "organization_guid", "space_guid"];
    let request: ProvisionRequest = json::read(body, &required).map_err(ApiError::Malformed)?;
    Ok(Reply::outcome(&broker.provision(id, &request, caller).await?))
}

pub(super) async fn fetch_instance(broker: &Broker, id: &InstanceId) -> Handled {
    Ok(Reply::json(200, &broker.fetch_instance(id).await?))
}

pub(super) async fn update(broker: &Broker, id: &InstanceId, body: &[u8], caller: &Caller) -> Handled {
    let request: UpdateRequest = json::read(body, &["service_id"]).map_err(ApiError::Malformed)?;
    Ok(Reply::outcome(&broker.update(id, &request, caller).await?))
}

pub(super) async fn deprovision(broker: &Broker, id: &InstanceId, query: &Query, caller: &Caller) -> Handled {
    let (service_id, plan_id) = query.ids().map_err(ApiError::Malformed)?;
    let query = DeprovisionQuery { service_id, plan_id };
    Ok(Reply::outcome(&broker.deprovision(id, &query, caller).await?))
}

pub(super) async fn bind(
    broker: &Broker,
    ids: (&InstanceId, &BindingId),
    body: &[u8],
    caller: &Caller,
) -> Handled {
    let request: BindRequest = json::read(body, &[]).map_err(ApiError::Malformed)?;
    Ok(Reply::outcome(&broker.bind(ids, &request, caller).await?))
}

pub(super) async fn fetch_binding(broker: &Broker, (instance, id): (&InstanceId, &BindingId)) -> Handled {
    Ok(Reply::json(200, &broker.fetch_binding(instance, id).await?))
}

pub(super) async fn unbind(
    broker: &Broker,
    ids: (&InstanceId, &BindingId),
    query: &Query,
    caller: &Caller,
) -> Handled {
    let named = query.ids().map(|(service_id, plan_id)| UnbindQuery { service_id, plan_id });
    let named = named.as_ref().map_err(String::as_str);
    Ok(Reply::outcome(&broker.unbind(ids, named, caller).await?))
}

pub(super) async fn discover(broker: &Broker, query: &Query) -> Handled {
    let (service, sought) = query.sought().map_err(ApiError::Malformed)?;
    Ok(Reply::json(200, &broker.discover(&service, sought).await?))
}

pub(super) async fn last_operation(broker: &Broker, subject: Subject, query: &Query) -> Handled {
    match broker.last_operation(&subject, &query.last_operation()).await? {
        Polled::Gone => Ok(Reply::json(410, &serde_json::Map::new())),
        Polled::State { last_operation, retry_after } => {
            let reply = Reply::json(200, &last_operation);
            Ok(match retry_after {
                Some(after) => reply.with(actix_web::http::header::RETRY_AFTER, &seconds(after)),
                None => reply,
            })
        }
    }
}
