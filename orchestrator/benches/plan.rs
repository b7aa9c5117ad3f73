//! A plan with nothing to do beside the time to parse the same file.
//!
//! ```text
//! cargo bench -p sutler --bench plan                    1,000, 10,000 and 100,000 instances, in pairs
//! cargo bench -p sutler --bench plan -- --one 10000     once, for callgrind and for peak memory
//! ```

#[path = "layered.rs"]
mod layered;

use std::{
    hint::black_box,
    io::{self, Write},
    mem::forget,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use sutler::{
    config::{Format, Source, parse},
    plan::{Options, Plan, PlanInput, plan},
    state::record::InstanceRecord,
};
use sutler_secrets::KeyRing;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let one = arguments.iter().position(|argument| argument == "--one");
    match one.and_then(|at| arguments.get(at + 1)).and_then(|number| number.parse().ok()) {
        Some(instances) => once(instances),
        None => [1_000, 10_000, 100_000].into_iter().try_for_each(compare),
    }
}

/// Everything that a plan starts from.
struct Scene {
    source: Source,
    ring: KeyRing,
    records: Vec<InstanceRecord>,
}

impl Scene {
    fn new(instances: usize) -> Self {
        let text = layered::configuration(instances).into();
        let source = Source { path: "sutler.json".into(), text, format: Format::Json };
        let ring = KeyRing::generate(Timestamp::UNIX_EPOCH);
        let config = parse(&source).expect("a good configuration");
        let records = layered::records(&config, &ring);
        Self { source, ring, records }
    }

    /// From the file's text to the plan; what was made is not dropped, as in the program, which ends after it.
    fn plan(&self) -> (Plan, Duration, Duration) {
        let catalogs = layered::catalogs();
        let started = Instant::now();
        let config = parse(&self.source).expect("a good configuration");
        let parsed = started.elapsed();
        let options = Options::default();
        let input = PlanInput {
            config: &config,
            records: &self.records,
            serial: 1,
            catalogs: &catalogs,
            ring: &self.ring,
            options,
        };
        let plan = plan(&input).expect("a plan");
        let elapsed = started.elapsed();
        forget(config);
        (plan, parsed, elapsed)
    }

    fn parse(&self) -> Duration {
        let started = Instant::now();
        let value: Value = serde_json::from_str(black_box(&self.source.text)).expect("JSON");
        let elapsed = started.elapsed();
        forget(value);
        elapsed
    }
}

/// One plan and nothing else after the scene is set; peak memory is that of everything.
fn once(instances: usize) -> io::Result<()> {
    let scene = Scene::new(instances);
    let before = peak();
    let (plan, parsed, elapsed) = scene.plan();
    assert!(!plan.changes_anything(), "there is nothing to do");
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{instances} instances, {} steps: {elapsed:?}, of which {parsed:?} until the file is checked",
        plan.steps.len()
    )?;
    writeln!(out, "peak memory {} MB, {} MB of it to set the scene (text, state)", peak() >> 10, before >> 10)
}

/// Pairs of plan and parse, and of parse and parse to show what the machine adds.
fn compare(instances: usize) -> io::Result<()> {
    let scene = Scene::new(instances);
    let runs = (400_000 / instances).clamp(7, 41);
    let (mut ratios, mut controls, mut plans, mut parses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let parse = scene.parse().as_secs_f64();
        let (plan, parsed, elapsed) = scene.plan();
        assert!(!plan.changes_anything(), "there is nothing to do");
        forget(plan);
        let again = scene.parse().as_secs_f64();
        ratios.push(elapsed.as_secs_f64() / parse);
        controls.push(again / parse);
        plans.push(elapsed.as_secs_f64() * 1e3);
        parses.push(parsed.as_secs_f64() * 1e3);
    }
    let (plan, parsed, ratio, control) = (median(plans), median(parses), median(ratios), median(controls));
    writeln!(
        io::stdout().lock(),
        "{instances:>7} instances, {:>5} kB: plan {plan:8.2} ms (until the file is checked {parsed:8.2} ms), \
         {ratio:4.2} × parsing the file as a Value (parse/parse control {control:4.2}), peak memory {} MB",
        scene.source.text.len() / 1000,
        peak() >> 10,
    )
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
