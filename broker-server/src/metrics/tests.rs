//! What is exported, and that it is bounded.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    operation::Work,
    store::{AgeBand, Census, Group, Standing, Statistics},
};

fn observation() -> Observation {
    let group = Group {
        work: Work::Provision,
        standing: Standing::Running,
        age: AgeBand::Hour,
        count: 3,
        oldest: Duration::from_secs(1_200),
    };
    Observation {
        census: Some(Arc::new(Census(vec![group]))),
        statistics: Statistics { commits: 2, writes: 10, waiting: 1, connections: 4, connections_in_use: 1 },
        worker: WorkerHealth { last_loop: Some(Duration::from_secs(1)), bound: Duration::from_secs(20) },
        draining: false,
    }
}

/// Metrics of which every family has a sample.
fn used() -> Metrics {
    let metrics = Metrics::new();
    let second = Duration::from_secs(1);
    metrics.requests.unauthenticated();
    metrics.requests.answered((Endpoint::Provision, "PUT"), 201, second);
    metrics.operations.accepted(Work::Bind);
    metrics.operations.ended(Work::Bind, Outcome::Failed, second);
    metrics.operations.resumed();
    metrics.operations.lease_lost();
    let call = VendorCall { provider: "notes", step: "bind/begin", answer: Answer::Unclear, took: second };
    metrics.vendors.called(call);
    metrics.vendors.budget_left("cloudflare", 2.5);
    metrics.vendors.circuit("cloudflare", Circuit::Open);
    metrics
}

#[test]
fn everything_described_is_exported_and_nothing_else() {
    let metrics = used();
    let text = metrics.to_openmetrics(observation()).unwrap();
    let mut described: Vec<String> = metrics
        .described()
        .iter()
        .map(|metric| {
            let name = metric.name.strip_suffix("_total").or(metric.name.strip_suffix("_info"));
            format!("{} {}", name.unwrap_or(&metric.name), metric.kind.as_str())
        })
        .collect();
    let mut exported: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(str::to_owned).collect();
    described.sort();
    exported.sort();
    assert_eq!(exported, described);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn samples_say_what_was_counted() {
    let text = used().to_openmetrics(observation()).unwrap();
    for line in [
        "sutler_broker_requests_total{endpoint=\"provision\",method=\"PUT\",status=\"2xx\"} 1",
        "sutler_broker_request_duration_seconds_count{endpoint=\"provision\",method=\"PUT\"} 1",
        "sutler_broker_operations_ended_total{work=\"bind\",result=\"failed\"} 1",
        "sutler_broker_operations_in_progress{work=\"provision\",state=\"running\"} 3.0",
        "sutler_broker_operations_in_progress{work=\"provision\",state=\"parked\"} 0.0",
        "sutler_broker_operations_in_progress_by_age{work=\"provision\",age=\"under_1h\"} 3.0",
        "sutler_broker_operations_oldest_age_seconds{work=\"provision\"} 1200.0",
        "sutler_broker_vendor_calls_total{provider=\"notes\",step=\"bind/begin\",outcome=\"unclear\"} 1",
        "sutler_broker_rate_budget_calls{account=\"cloudflare\"} 2.5",
        "sutler_broker_circuit_state{account=\"cloudflare\"} 2",
        "sutler_broker_lease_losses_total 1",
        "sutler_broker_store_writes_total 10",
        "sutler_broker_draining 0.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_request_in_flight_counts_until_it_is_answered() {
    let metrics = Metrics::new();
    let text = |metrics: &Metrics| metrics.to_openmetrics(observation()).unwrap();
    let guard = metrics.requests.begin();
    assert!(text(&metrics).contains("sutler_broker_requests_in_flight 1\n"));
    drop(guard);
    assert!(text(&metrics).contains("sutler_broker_requests_in_flight 0\n"));
}

#[test]
fn what_others_choose_is_bounded() {
    let metrics = Metrics::new();
    for n in 0..10_000 {
        metrics.requests.answered((Endpoint::None, &format!("METHOD{n}")), 405, Duration::ZERO);
        let step = format!("provision/step-{n}");
        let call = VendorCall { provider: "notes", step: &step, answer: Answer::Done, took: Duration::ZERO };
        metrics.vendors.called(call);
    }
    let text = metrics.to_openmetrics(observation()).unwrap();
    let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(series("sutler_broker_requests_total"), 1);
    assert_eq!(series("sutler_broker_vendor_calls_total"), 501);
}
