//! Problems of a configuration, with the lines they are about.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};

use super::text::{Paint, one_line};
use crate::config::{Problem, Problems};

/// All problems, each with file, line and column, what is wrong, and what to do.
pub(crate) fn problems(problems: &Problems, paint: Paint) -> String {
    let mut text = String::new();
    for problem in &problems.list {
        text.push_str(&one(problem, problems, paint));
    }
    text
}

fn one(problem: &Problem, problems: &Problems, paint: Paint) -> String {
    let place = problem.place.as_ref();
    let Some((place, source)) = place.and_then(|place| Some((place, problems.text_of(place)?))) else {
        return without_place(problem, paint);
    };
    let mut diagnostic = MietteDiagnostic::new(one_line(&problem.message)).with_severity(Severity::Error);
    let main = LabeledSpan::new_primary_with_span(
        Some(one_line(&problem.label)).filter(|label| !label.is_empty()),
        place.span.clone(),
    );
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        problem.related.iter().partition(|(other, _)| other.path == place.path);
    let related = here
        .iter()
        .map(|(place, label)| LabeledSpan::new_with_span(Some(one_line(label)), place.span.clone()));
    diagnostic = diagnostic.with_labels(std::iter::once(main).chain(related));
    // One picture shows one file.
    let others = elsewhere.iter().map(|(other, label)| format!("{other}: {label}"));
    let help: Vec<String> = others.chain(problem.help.clone()).map(|line| one_line(&line)).collect();
    if !help.is_empty() {
        diagnostic = diagnostic.with_help(help.join("\n"));
    }
    let name = place.path.display().to_string();
    let report = miette::Report::new(diagnostic).with_source_code(NamedSource::new(name, source.to_owned()));
    let theme =
        if paint == Paint::PLAIN { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(_) => without_place(problem, paint),
    }
}

fn without_place(problem: &Problem, paint: Paint) -> String {
    let mut text = match &problem.place {
        Some(place) => format!("{}:{}:{}: ", place.path.display(), place.line, place.column),
        None => String::new(),
    };
    text.push_str(&one_line(&problem.message));
    let mut text = format!("{} {text}\n", paint.bad("error:"));
    if let Some(help) = &problem.help {
        text.push_str(&format!("  help: {}\n", one_line(help)));
    }
    text
}
