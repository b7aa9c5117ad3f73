//! An offering as a page for people, from the same declarations that platforms get.

use std::fmt::{self, Write};

use serde_json::Value;
use sutler_spec::ServicePlan;

use crate::{Asynchronous, Input, Offering, Plan, schema};

/// The page.
pub(crate) fn page(offering: &Offering) -> String {
    let mut page = String::new();
    // writing to a text does not fail
    let _ = write_page(&mut page, offering);
    page
}

fn write_page(page: &mut String, offering: &Offering) -> fmt::Result {
    let service = offering.service();
    writeln!(page, "# {}\n\n{}.", service.name, service.description.trim_end_matches('.'))?;
    let text = |key: &str| service.metadata.get(key).and_then(Value::as_str);
    if let Some(long) = text("longDescription") {
        writeln!(page, "\n{long}")?;
    }
    if let Some(url) = text("documentationUrl") {
        writeln!(page, "\nManual: <{url}>")?;
    }
    writeln!(
        page,
        "\n| id | bindable | instances can be fetched | bindings can be fetched |\n|---|---|---|---|"
    )?;
    writeln!(
        page,
        "| `{}` | {} | {} | {} |",
        service.id,
        yes(service.bindable),
        yes(service.instances_retrievable),
        yes(service.bindings_retrievable)
    )?;
    for plan in offering.plans() {
        write_plan(page, plan, service.is_bindable(plan.service_plan()))?;
    }
    if offering.outputs().is_empty() {
        return Ok(());
    }
    writeln!(page, "\n## Outputs\n\n| output | secret | what it is |\n|---|---|---|")?;
    for output in offering.outputs() {
        let description = cell(&output.description);
        writeln!(page, "| `{}` | {} | {description} |", output.name, yes(output.is_secret()))?;
    }
    Ok(())
}

fn write_plan(page: &mut String, plan: &Plan, is_bindable: bool) -> fmt::Result {
    let wire = plan.service_plan();
    writeln!(page, "\n## Plan {}\n\n{}.", wire.name, wire.description.trim_end_matches('.'))?;
    writeln!(page, "\n- `{}`", wire.id)?;
    writeln!(page, "- {}", price(wire))?;
    writeln!(
        page,
        "- {}",
        match plan.asynchrony() {
            Asynchronous::Never => "work ends within the request",
            Asynchronous::Possible => "work ends within the request when it can",
            Asynchronous::Always =>
                "work goes on after the request: the platform has to accept incomplete answers",
        }
    )?;
    if let Some(seconds) = wire.maximum_polling_duration {
        writeln!(page, "- given up after {seconds} seconds at most")?;
    }
    if let Some(version) = wire.maintenance_info.as_ref().and_then(|info| info.version.as_ref()) {
        writeln!(page, "- maintenance version {version}")?;
    }
    let bullets = wire.metadata.get("bullets").and_then(Value::as_array);
    for bullet in bullets.into_iter().flatten().filter_map(Value::as_str) {
        writeln!(page, "- {bullet}")?;
    }
    write_parameters(page, wire)?;
    match Input::Bind.schema(wire).filter(|_| is_bindable) {
        Some(schema) if !fields(schema).is_empty() => {
            writeln!(page, "\n### Parameters of a binding\n\n| parameter | form | needed | what it is |")?;
            writeln!(page, "|---|---|---|---|")?;
            for (name, field) in fields(schema) {
                let needed = yes(is_required(schema, name));
                writeln!(page, "| `{name}` | {} | {needed} | {} |", form(field), described(field))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn write_parameters(page: &mut String, wire: &ServicePlan) -> fmt::Result {
    let Some(creation) = Input::Provision.schema(wire) else { return Ok(()) };
    if fields(creation).is_empty() {
        return writeln!(page, "\nIt takes no parameters.");
    }
    let change = Input::Update.schema(wire);
    writeln!(page, "\n### Parameters\n\n| parameter | form | needed | can change | what it is |")?;
    writeln!(page, "|---|---|---|---|---|")?;
    for (name, field) in fields(creation) {
        let changes = change.is_some_and(|change| fields(change).iter().any(|(other, _)| *other == name));
        let (needed, changes) = (yes(is_required(creation, name)), yes(changes));
        writeln!(page, "| `{name}` | {} | {needed} | {changes} | {} |", form(field), described(field))?;
    }
    Ok(())
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

fn price(plan: &ServicePlan) -> String {
    let costs = plan.metadata.get("costs").and_then(Value::as_array);
    let shown = |cost: &Value| {
        let amounts = cost.get("amount").and_then(Value::as_object);
        let amounts = amounts.into_iter().flatten().map(|(currency, amount)| format!("{amount} {currency}"));
        let unit = cost.get("unit").and_then(Value::as_str).unwrap_or("unit");
        format!("{} per {unit}", amounts.collect::<Vec<_>>().join(" or "))
    };
    match costs {
        Some(costs) if !costs.is_empty() => costs.iter().map(shown).collect::<Vec<_>>().join(", "),
        _ if plan.free == Some(false) => "not free".to_owned(),
        _ => "free".to_owned(),
    }
}

fn fields(schema: &Value) -> Vec<(&str, &Value)> {
    let fields = schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flatten().map(|(name, field)| (name.as_str(), field)).collect()
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().any(|required| required == name)
}

/// The type with its limits, in few words.
fn form(field: &Value) -> String {
    if let Some(words) = field.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter(|word| !word.is_null());
        return words
            .map(|word| format!("`{}`", word.as_str().map_or(word.to_string(), str::to_owned)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let mut parts = vec![match field.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let items = field.get("items").map_or_else(|| "anything".to_owned(), form);
            format!("list of {items}")
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "anything".to_owned(),
    }];
    if schema::is_secret(field) {
        parts.push("secret".to_owned());
    }
    for (keyword, word) in
        [("minimum", "from"), ("maximum", "up to"), ("minLength", "at least"), ("maxLength", "at most")]
    {
        if let Some(limit) = field.get(keyword) {
            parts.push(format!("{word} {limit}"));
        }
    }
    if let Some(pattern) = field.get("pattern").and_then(Value::as_str) {
        parts.push(format!("`{}`", pattern.replace('|', "\\|")));
    }
    if let Some(default) = field.get("default") {
        parts.push(format!("`{default}` if left out"));
    }
    parts.join(", ")
}

fn described(field: &Value) -> String {
    cell(field.get("description").and_then(Value::as_str).unwrap_or_default())
}

/// A text that does not break out of its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
