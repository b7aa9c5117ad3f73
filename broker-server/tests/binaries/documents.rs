//! Documents, dashboards and alerts name metrics that exist.

use std::collections::BTreeSet;

use sutler_broker_server::metrics::{Kind, Metrics};

fn read(path: &str) -> String {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All names a query may use.
fn names() -> BTreeSet<String> {
    let metrics = Metrics::new();
    let series = metrics.described().iter().flat_map(|metric| match metric.kind {
        Kind::Histogram => {
            ["_bucket", "_sum", "_count"].map(|suffix| format!("{}{suffix}", metric.name)).to_vec()
        }
        _ => vec![metric.name.clone()],
    });
    series.collect()
}

/// The names that a text uses.
fn used(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("sutler_broker_");
    starts
        .map(|(at, _)| text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn dashboard_and_alerts_query_metrics_that_are_exported() {
    let exported = names();
    let dashboard = read("deploy/grafana/sutler-broker.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for panel in parsed["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let used = used(expression);
            assert!(!used.is_empty() && used.is_subset(&exported), "{expression}");
        }
    }
    for expression in read("deploy/prometheus/alerts.yaml").lines().filter(|line| line.contains("expr:")) {
        let used = used(expression);
        assert!(!used.is_empty() && used.is_subset(&exported), "{expression}");
    }
    // nothing is exported that nobody looks at
    let looked_at = used(&dashboard);
    for metric in Metrics::new().described() {
        assert!(
            looked_at.iter().any(|name| name.starts_with(&metric.name)),
            "no panel shows {}",
            metric.name
        );
    }
    assert!(!used("rate(sutler_broker_no_such_total[5m])").is_subset(&exported), "the check can fail");
}

#[test]
fn the_table_of_metrics_is_what_is_exported() {
    let rows: Vec<String> = Metrics::new()
        .described()
        .iter()
        .map(|metric| format!("| `{}` | {} | {} |", metric.name, metric.kind.as_str(), metric.help))
        .collect();
    let document = read("docs/operations.md");
    let documented: Vec<&str> =
        document.lines().filter(|line| line.starts_with("| `sutler_broker_")).collect();
    assert_eq!(documented, rows, "copy the rows into docs/operations.md:\n{}", rows.join("\n"));
}
