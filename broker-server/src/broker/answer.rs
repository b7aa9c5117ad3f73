//! Whether what a provider made can be passed on: a wrong answer is never sent, and never recorded as a success. Pure.

use sutler_spec::{BindingBody, Endpoint, Requirement, VolumeMount};
use url::Url;

use super::verdict::Completed;
use crate::providers::{
    CreatedBinding, Progress, ProviderError, ProvisionedInstance, Repeatability, Usability,
};

/// An answer that is not passed on.
pub(super) struct Unfit {
    /// For the operator; no values.
    pub(super) problems: Vec<String>,
    /// What is passed on instead.
    pub(super) error: ProviderError,
}

impl From<ProviderError> for Unfit {
    fn from(error: ProviderError) -> Self {
        Self { problems: Vec::new(), error }
    }
}

/// The answer, in the form that is sent, if it keeps to the specification.
pub(super) fn fit(
    answer: Result<Progress<Completed>, ProviderError>,
    requires: &[Requirement],
) -> Result<Progress<Completed>, Unfit> {
    let completed = match answer? {
        Progress::Done(completed) => completed,
        unfinished => return Ok(unfinished),
    };
    let (completed, problems) = match completed {
        Completed::Binding(made) => {
            let made = CreatedBinding { body: written(made.body), ..made };
            let problems = in_binding(&made.body, requires);
            (Completed::Binding(made), problems)
        }
        Completed::Instance(made) => {
            let problems = in_instance(&made);
            (Completed::Instance(made), problems)
        }
        Completed::Gone => (Completed::Gone, Vec::new()),
    };
    if problems.is_empty() {
        return Ok(Progress::Done(completed));
    }
    let error = ProviderError::Failed {
        description: "The broker made something that it cannot describe; its operator has been told."
            .to_owned(),
        usable: Usability::Unusable,
        repeat: Repeatability::Pointless,
    };
    Err(Unfit { problems, error })
}

/// Times have one fractional digit (B-BRO-02).
fn written(body: BindingBody) -> BindingBody {
    let metadata = body.metadata.clone().map(|mut metadata| {
        metadata.expires_at = metadata.expires_at.map(|at| at.in_tenths());
        metadata.renew_before = metadata.renew_before.map(|at| at.in_tenths());
        metadata
    });
    BindingBody { metadata, ..body }
}

fn in_instance(made: &ProvisionedInstance) -> Vec<String> {
    let unfit = made.dashboard_url.as_deref().is_some_and(|url| !has_host(url));
    unfit.then(|| "dashboard_url is no URL with a host (B-PROV-16)".to_owned()).into_iter().collect()
}

/// What is wrong with a binding of an offering with these requirements.
fn in_binding(body: &BindingBody, requires: &[Requirement]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |is_fit: bool, problem: &str| {
        if !is_fit {
            problems.push(problem.to_owned());
        }
    };
    let only = |requirement: Requirement| requires == [requirement];
    let (drain, route) = (body.syslog_drain_url.as_deref(), body.route_service_url.as_deref());
    for (is_there, requirement, name) in [
        (drain.is_some(), Requirement::SyslogDrain, "syslog_drain_url"),
        (route.is_some(), Requirement::RouteForwarding, "route_service_url"),
        (body.volume_mounts.is_some(), Requirement::VolumeMount, "volume_mounts"),
    ] {
        let is_required = requires.contains(&requirement);
        check(!is_there || is_required, &format!("{name} is given, but not in requires (B-BRO-09)"));
    }
    check(drain.is_some() || !only(Requirement::SyslogDrain), "syslog_drain_url is missing (B-BIND-06)");
    check(drain.is_none_or(has_host), "syslog_drain_url is no URL with a host (quirk 18)");
    check(route.is_none_or(is_secure), "route_service_url is no https URL with a host (quirk 18)");
    let mounts = body.volume_mounts.as_deref().unwrap_or_default();
    check(!mounts.is_empty() || !only(Requirement::VolumeMount), "volume_mounts are missing (B-BIND-10)");
    check(mounts.iter().all(is_complete), "a volume mount lacks a part (B-BRO-05, B-BRO-06)");
    let endpoints = body.endpoints.as_deref().unwrap_or_default();
    check(endpoints.iter().all(is_reachable), "an endpoint has no host or a wrong port (B-BRO-07)");
    if let Some(metadata) = &body.metadata {
        let in_order = match (&metadata.renew_before, &metadata.expires_at) {
            (Some(renew), Some(expire)) => renew <= expire,
            _ => true,
        };
        check(in_order, "renew_before is after expires_at (B-BRO-03)");
    }
    problems
}

fn has_host(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}

fn is_secure(text: &str) -> bool {
    has_host(text) && Url::parse(text).is_ok_and(|url| url.scheme() == "https")
}

fn is_complete(mount: &VolumeMount) -> bool {
    [&mount.driver, &mount.container_dir, &mount.device.volume_id].iter().all(|text| !text.is_empty())
}

fn is_reachable(endpoint: &Endpoint) -> bool {
    !endpoint.host.is_empty()
        && !endpoint.ports.is_empty()
        && endpoint.ports.iter().all(|ports| is_port(ports))
}

/// A port, or two with a hyphen between them.
fn is_port(text: &str) -> bool {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    matches!((number(first), number(last)), (Some(first), Some(last)) if first <= last)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::Record;

    fn found(body: Value, requires: &[Requirement]) -> Vec<String> {
        let body: BindingBody = serde_json::from_value(body).unwrap();
        let made = CreatedBinding { record: Record(Value::Null), body };
        match fit(Ok(Progress::Done(Completed::Binding(made))), requires) {
            Ok(_) => Vec::new(),
            Err(unfit) => unfit.problems,
        }
    }

    #[test]
    fn b_bro_what_breaks_the_specification_is_found() {
        use Requirement::{RouteForwarding, SyslogDrain, VolumeMount};
        let mount = |driver: &str| {
            json!([{ "driver": driver, "container_dir": "/d", "mode": "r", "device_type": "shared",
                     "device": { "volume_id": "v" } }])
        };
        let endpoint = |ports: Value| json!({ "endpoints": [{ "host": "h", "ports": ports }] });
        for (body, requires, row) in [
            (json!({ "syslog_drain_url": "syslog://h" }), vec![], "B-BRO-09"),
            (json!({ "route_service_url": "https://h" }), vec![SyslogDrain, VolumeMount], "B-BRO-09"),
            (json!({ "volume_mounts": mount("d") }), vec![], "B-BRO-09"),
            (json!({ "credentials": {} }), vec![SyslogDrain], "B-BIND-06"),
            (json!({ "syslog_drain_url": "nowhere" }), vec![SyslogDrain], "quirk 18"),
            (json!({ "route_service_url": "http://h" }), vec![RouteForwarding], "quirk 18"),
            (json!({ "volume_mounts": [] }), vec![VolumeMount], "B-BIND-10"),
            (json!({ "volume_mounts": mount("") }), vec![VolumeMount], "B-BRO-05"),
            (endpoint(json!([])), vec![], "B-BRO-07"),
            (endpoint(json!(["0"])), vec![], "B-BRO-07"),
            (endpoint(json!(["9010-9000"])), vec![], "B-BRO-07"),
            (endpoint(json!(["https"])), vec![], "B-BRO-07"),
            (
                json!({ "metadata": { "expires_at": "2027-01-01T00:00:00.0Z", "renew_before": "2027-01-01T00:00:00.1Z" } }),
                vec![],
                "B-BRO-03",
            ),
        ] {
            let problems = found(body.clone(), &requires);
            assert!(problems.len() == 1 && problems[0].contains(row), "{body}: {problems:?}");
        }
    }

    #[test]
    fn what_keeps_to_it_is_passed_on() {
        for (body, requires) in [
            (json!({}), vec![]),
            (json!({ "credentials": {} }), vec![Requirement::RouteForwarding]),
            (json!({ "syslog_drain_url": "syslog-tls://h:6514/x" }), vec![Requirement::SyslogDrain]),
            (json!({ "route_service_url": "https://h/x" }), vec![Requirement::RouteForwarding]),
            (
                json!({ "endpoints": [{ "host": "h", "ports": ["443", "9000-9010"], "protocol": "all" }] }),
                vec![],
            ),
            (json!({ "metadata": { "renew_before": "2027-01-01T00:00:00.0Z" } }), vec![]),
        ] {
            assert_eq!(found(body, &requires), [""; 0]);
        }
    }

    #[test]
    fn b_bro_02_times_are_sent_with_one_fractional_digit() {
        let body: BindingBody =
            serde_json::from_value(json!({ "metadata": { "expires_at": "2027-01-01T00:00:00.98765Z" } }))
                .unwrap();
        let sent = serde_json::to_value(written(body)).unwrap();
        assert_eq!(sent["metadata"]["expires_at"], "2027-01-01T00:00:00.9Z");
    }
}
