//! A run: which checks, in which order, and what became of them.

use std::{sync::Arc, time::Instant};

use futures_util::{StreamExt, stream};

use super::{
    Check, ConformanceError, Extent, Needs, Options,
    bench::Bench,
    checks::all,
    cleanup,
    finding::Finding,
    report::{CheckResult, Report, Verdict},
    rows::ROWS,
    trial::Trial,
    wire::Wire,
};

/// Checks a broker. What was made is deleted again; what could not be is in the report.
///
/// # Errors
/// When nothing could be checked: the options make no sense, or the broker cannot be reached.
pub async fn run(mut options: Options) -> Result<Report, ConformanceError> {
    for word in &options.only {
        if !all().any(|check| check.is_meant_by(word)) {
            return Err(ConformanceError::UnknownCheck(word.clone()));
        }
    }
    let wire = Wire::new(&mut options)?;
    let bench = Arc::new(open(wire, options).await?);
    let mut results = Vec::new();
    let mut left = Vec::new();
    for (needs, parallel) in [
        (Needs::ReadOnly, bench.options.parallel),
        (Needs::Lifecycle, bench.options.parallel),
        (Needs::Chaos, 1),
        (Needs::Restart, 1),
    ] {
        let mut done = stream::iter(chosen(&bench.options, needs).map(|check| one(&bench, check)))
            .buffer_unordered(parallel.max(1));
        while let Some((result, leftovers)) = done.next().await {
            results.push(result);
            left.extend(leftovers);
        }
    }
    let last = Trial::new(&bench);
    left.extend(cleanup::delete_all(&last, bench.take_made()).await);
    for check in chosen(&bench.options, Needs::Answers) {
        results.push(one(&bench, check).await.0);
    }
    results.sort_by_key(|result| position(result.id));
    Ok(Report { url: bench.wire.base().to_owned(), results, left })
}

/// The order of the rows, and within a row that of its checks.
fn position(id: &str) -> (Option<usize>, Option<usize>) {
    let check = all().enumerate().find(|(_, check)| check.id == id);
    let row = check.and_then(|(_, check)| ROWS.iter().position(|row| row.id == check.row()));
    (row, check.map(|(position, _)| position))
}

/// Fetches the catalog: without it there is nothing to go on with.
async fn open(wire: Wire, options: Options) -> Result<Bench, ConformanceError> {
    let catalog = wire.call(http::Method::GET, "/v2/catalog").send().await.map_err(|finding| {
        let (Finding::Fails(detail) | Finding::Skipped(detail)) = finding;
        ConformanceError::Unreachable(detail)
    })?;
    if matches!(catalog.status, 401 | 403) {
        return Err(ConformanceError::Unauthorized(catalog.status));
    }
    let bench = Bench::new(wire, options, catalog);
    let (service, plan) = (bench.options.service.as_deref(), bench.options.plan.as_deref());
    let is_there = bench.offers.iter().any(|offer| {
        service.is_none_or(|name| name == offer.service_name())
            && plan.is_none_or(|name| name == offer.plan_name())
    });
    match service.or(plan) {
        Some(_) if !is_there => {
            let name = [service, plan].into_iter().flatten().collect::<Vec<_>>().join("/");
            Err(ConformanceError::UnknownPlan(name))
        }
        _ => Ok(bench),
    }
}

fn chosen(options: &Options, needs: Needs) -> impl Iterator<Item = &'static Check> {
    all()
        .filter(move |check| check.needs == needs)
        .filter(|check| options.only.is_empty() || options.only.iter().any(|word| check.is_meant_by(word)))
}

/// Why a check is not part of the run.
fn left_out(options: &Options, needs: Needs) -> Option<&'static str> {
    match needs {
        Needs::ReadOnly | Needs::Answers => None,
        Needs::Lifecycle => (options.extent < Extent::Lifecycle).then_some("not run: --read-only"),
        Needs::Chaos => (options.extent < Extent::Chaos).then_some("not run: --chaos was not given"),
        Needs::Restart if options.extent < Extent::Lifecycle => Some("not run: --read-only"),
        Needs::Restart => {
            options.restart_command.is_none().then_some("not run: --restart-command was not given")
        }
    }
}

async fn one(bench: &Arc<Bench>, check: &'static Check) -> (CheckResult, Vec<String>) {
    let trial = Trial::new(bench);
    let started = Instant::now();
    let verdict = match left_out(&bench.options, check.needs) {
        Some(reason) => Err(Finding::skipped(reason)),
        None => (check.run)(&trial).await,
    };
    let took = started.elapsed();
    let left = cleanup::delete_all(&trial, trial.take_made()).await;
    let (result, detail) = match verdict {
        Ok(()) => (Verdict::Pass, trial.notes()),
        Err(Finding::Fails(detail)) => (Verdict::Fail, detail),
        Err(Finding::Skipped(reason)) => (Verdict::Skip, reason),
    };
    (CheckResult { id: check.id, level: check.level(), title: check.title, result, detail, took }, left)
}
