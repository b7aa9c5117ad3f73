//! A plan with nothing to do beside the time to parse the same file.
//!
//! ```text
//! cargo bench -p sutler --bench plan                    1,000, 10,000 and 100,000 instances, in pairs
//! cargo bench -p sutler --bench plan -- --one 10000     one plan in this process, also for callgrind
//! ```
//!
//! Every measurement is a process of its own, as a run of the program is: memory is fresh, and what was made is left to
//! the end of the process. Plan and parse alternate; a second parse beside the first shows what the machine adds.

mod layered;

use std::{
    collections::BTreeMap,
    hint::black_box,
    io::{self, Write},
    mem::forget,
    process::Command,
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler::{
    config::{Format, Source, parse},
    name::BrokerName,
    plan::{Options, PlanInput, plan},
};
use sutler_catalog::{Index, Limits};
use sutler_secrets::KeyRing;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let instances = arguments.get(1).and_then(|number| number.parse().ok());
    match (arguments.first().map(String::as_str), instances) {
        (Some("--one"), Some(instances)) => one_plan(instances),
        (Some("--parse"), Some(instances)) => one_parse(instances),
        _ => [1_000, 10_000, 100_000].into_iter().try_for_each(compare),
    }
}

/// From the text to the plan. The state is read in between; that is measured elsewhere.
fn one_plan(instances: usize) -> io::Result<()> {
    let source = Source {
        path: "sutler.json".into(),
        text: layered::configuration(instances).into(),
        format: Format::Json,
    };
    let (catalogs, ring) = (catalogs(), KeyRing::generate(Timestamp::UNIX_EPOCH));
    let started = Instant::now();
    let config = parse(&source).expect("a good configuration");
    let parsed = started.elapsed();
    let after_parsing = peak();
    let records = layered::records(&config, &ring);
    let after_reading = peak();
    let started = Instant::now();
    let options = Options::default();
    let input = PlanInput {
        config: &config,
        records: &records,
        serial: 1,
        catalogs: &catalogs,
        ring: &ring,
        now: jiff::Timestamp::UNIX_EPOCH,
        options,
    };
    let plan = plan(&input).expect("a plan");
    let planned = started.elapsed();
    assert!(!plan.changes_anything() && plan.steps.len() == instances, "there is nothing to do");
    let [parsed, planned] = [parsed, planned].map(|time| time.as_secs_f64() * 1e3);
    let peak = peak();
    writeln!(io::stdout().lock(), "{parsed} {planned} {after_parsing} {after_reading} {peak}")?;
    forget((config, records, plan));
    Ok(())
}

/// What the broker offers.
fn catalogs() -> BTreeMap<BrokerName, Arc<Index>> {
    let text = json!({ "type": "string", "maxLength": 200 });
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
        "required": ["region"],
        "properties": {
            "region": { "type": "string", "enum": ["weur", "eeur"] },
            "replicas": { "type": "integer", "minimum": 0 },
            "tags": { "type": "array", "items": text },
            "options": { "type": "object", "properties": { "upstream": text, "note": text } },
        },
    });
    let catalog = json!({ "services": [{
        "id": "service", "name": "database", "description": "x", "bindable": true,
        "metadata": { "sutler": { "outputs": [{ "name": "id", "secret": false }] } },
        "plans": [{ "id": "plan", "name": "standard", "description": "x",
            "schemas": { "service_instance": { "create": { "parameters": schema } } } }],
    }] });
    let catalog = serde_json::from_value(catalog).expect("a catalog");
    let index = Index::check(catalog, Limits::default()).expect("a good catalog");
    [(BrokerName::new("edge").expect("a name"), Arc::new(index))].into()
}

fn one_parse(instances: usize) -> io::Result<()> {
    let text = layered::configuration(instances);
    let started = Instant::now();
    let value: Value = serde_json::from_str(black_box(&text)).expect("JSON");
    let parsed = started.elapsed().as_secs_f64() * 1e3;
    forget(black_box(value));
    writeln!(io::stdout().lock(), "{parsed}")
}

fn compare(instances: usize) -> io::Result<()> {
    let pairs = if instances < 50_000 { 21 } else { 9 };
    let (mut ratios, mut controls, mut totals, mut plans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut memory = Vec::new();
    for _ in 0..pairs {
        let parse = run("--parse", instances)?[0];
        let numbers = run("--one", instances)?;
        let again = run("--parse", instances)?[0];
        let total = numbers[0] + numbers[1];
        ratios.push(2.0 * total / (parse + again));
        controls.push(again / parse);
        totals.push(total);
        plans.push(numbers[1]);
        memory = numbers[2..].to_vec();
    }
    let [total, plan, ratio, control] = [totals, plans, ratios, controls].map(median);
    let [parsed, read, peak] = [0, 1, 2].map(|at| memory[at] / 1024.0);
    writeln!(
        io::stdout().lock(),
        "{instances:>7} instances: {total:8.2} ms from text to plan ({plan:8.2} ms of it planning), {ratio:4.2} × \
         serde_json to Value (control {control:4.2}); peak memory {peak:.0} MB ({parsed:.0} after reading the file, \
         {read:.0} with the state)"
    )
}

fn run(mode: &str, instances: usize) -> io::Result<Vec<f64>> {
    let output = Command::new(std::env::current_exe()?).args([mode, &instances.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().map(|number| number.parse().expect("a number")).collect())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The most memory that this process has had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
