//! What a run found: as text for people, as JSON and JUnit for programs.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::rows::{Level, topic};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Verdict {
    Pass,
    Fail,
    Skip,
}

impl Verdict {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// What became of a check.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check.
    pub id: &'static str,
    /// How binding its row is.
    pub level: Level,
    /// What holds, if it passed.
    pub title: &'static str,
    /// How it ended.
    pub result: Verdict,
    /// Why it failed or was skipped; sometimes more about a pass.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

/// What a run found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The broker.
    pub url: String,
    /// In the order of the specification.
    pub results: Vec<CheckResult>,
    /// What was made and could not be deleted.
    pub left: Vec<String>,
}

impl Report {
    /// Whether something failed that the specification demands.
    #[must_use]
    pub fn demands_failed(&self) -> bool {
        self.results.iter().any(|result| result.result == Verdict::Fail && result.level.is_demand())
    }

    /// How many ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.result == verdict).count()
    }

    /// `{"checks": […], "left": […]}`.
    #[must_use]
    pub fn json(&self) -> Value {
        let checks = self.results.iter().map(|result| {
            json!({
                "id": result.id,
                "level": result.level.as_str(),
                "title": result.title,
                "result": result.result.as_str(),
                "detail": result.detail,
            })
        });
        json!({ "checks": checks.collect::<Vec<_>>(), "left": self.left })
    }

    /// The JSON document as text.
    #[must_use]
    pub fn json_text(&self) -> String {
        format!("{:#}", self.json())
    }

    /// JUnit XML: one test suite for each topic.
    #[must_use]
    pub fn junit(&self) -> String {
        let mut report = JUnit::new("Open Service Broker API 2.17");
        for (topic, results) in self.by_topic() {
            let mut suite = TestSuite::new(topic);
            for result in results {
                let mut status = match result.result {
                    Verdict::Pass => TestCaseStatus::success(),
                    Verdict::Skip => TestCaseStatus::skipped(),
                    Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
                };
                if result.result != Verdict::Pass {
                    status.set_message(result.detail.as_str());
                }
                let mut case = TestCase::new(format!("{} {}", result.id, result.title), status);
                case.set_classname(result.level.as_str()).set_time(result.took);
                suite.add_test_case(case);
            }
            report.add_test_suite(suite);
        }
        // what is written to memory cannot fail to be written
        report.to_string().unwrap_or_default()
    }

    /// For people: grouped by topic, with a summary.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // writing to a string cannot fail
        for (topic, results) in self.by_topic() {
            let _ = writeln!(text, "\n{topic}");
            for result in results {
                let detail =
                    if result.detail.is_empty() { String::new() } else { format!(": {}", result.detail) };
                let _ = writeln!(
                    text,
                    "  {}  {:<14} {:<10} {}{detail}",
                    result.result.as_str(),
                    result.id,
                    result.level.as_str(),
                    result.title
                );
            }
        }
        let _ = writeln!(
            text,
            "\n{}: {} passed, {} failed, {} skipped.",
            self.url,
            self.count(Verdict::Pass),
            self.count(Verdict::Fail),
            self.count(Verdict::Skip)
        );
        let failed = |demand: bool| {
            let failed = self.results.iter().filter(|result| result.result == Verdict::Fail);
            failed
                .filter(|result| result.level.is_demand() == demand)
                .map(|result| result.id)
                .collect::<Vec<_>>()
        };
        for (what, ids) in
            [("Demands that are not met", failed(true)), ("Advice that is not followed", failed(false))]
        {
            if !ids.is_empty() {
                let _ = writeln!(text, "{what}: {}.", ids.join(", "));
            }
        }
        for left in &self.left {
            let _ = writeln!(text, "Left behind, delete it by hand: {left}");
        }
        text.trim_start().to_owned()
    }

    fn by_topic(&self) -> Vec<(&'static str, Vec<&CheckResult>)> {
        let mut order = Vec::new();
        let mut groups: BTreeMap<&'static str, Vec<&CheckResult>> = BTreeMap::new();
        for result in &self.results {
            let topic = topic(result.id);
            if !groups.contains_key(topic) {
                order.push(topic);
            }
            groups.entry(topic).or_default().push(result);
        }
        order.into_iter().map(|topic| (topic, groups.remove(topic).unwrap_or_default())).collect()
    }
}
