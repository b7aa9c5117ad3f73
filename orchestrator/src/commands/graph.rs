//! `graph`: who needs whom, and where each stands.

use std::collections::HashMap;

use super::failure::Failure;
use super::project::Project;
use crate::draw::{Drawing, Edge, Mark, Node, Protection};
use crate::name::InstanceRef;
use crate::state::record::InstanceRecord;
use crate::state::status::Status;

/// Draws what is declared and what is recorded, from the configuration and state alone.
///
/// # Errors
/// When state cannot be read.
pub async fn graph(project: &Project) -> Result<Drawing, Failure> {
    let state = project.backend.load().await?;
    let records: HashMap<&InstanceRef, &InstanceRecord> =
        state.records.iter().map(|record| (&record.reference, record)).collect();
    let mut drawing =
        Drawing { title: format!("Stack {}", project.config.stack), nodes: Vec::new(), edges: Vec::new() };
    let mut position: HashMap<&InstanceRef, usize> = HashMap::new();
    for (reference, declaration) in &project.config.instances {
        let record = records.get(reference).copied();
        position.insert(reference, drawing.nodes.len());
        drawing.nodes.push(Node {
            reference: reference.to_string(),
            service: declaration.service.clone(),
            plan: record
                .map(|record| record.service_plan.name.clone())
                .or(declaration.service_plan.clone())
                .unwrap_or_default(),
            broker: record
                .map(|record| record.broker.to_string())
                .or(declaration.broker.as_ref().map(ToString::to_string))
                .unwrap_or_default(),
            mark: record.map_or(Mark::Declared, mark),
            protected: protection(declaration.protected || record.is_some_and(|record| record.protected)),
        });
    }
    for record in
        state.records.iter().filter(|record| !project.config.instances.contains_key(&record.reference))
    {
        position.insert(&record.reference, drawing.nodes.len());
        drawing.nodes.push(Node {
            reference: record.reference.to_string(),
            service: record.service.name.clone(),
            plan: record.service_plan.name.clone(),
            broker: record.broker.to_string(),
            mark: Mark::Undeclared,
            protected: protection(record.protected),
        });
    }
    drawing.edges = edges(project, &state.records, &position);
    Ok(drawing)
}

fn protection(protected: bool) -> Protection {
    if protected { Protection::Protected } else { Protection::Open }
}

fn mark(record: &InstanceRecord) -> Mark {
    match record.status {
        Status::Ready => Mark::Ready,
        Status::Doubtful => Mark::Doubtful,
        _ => Mark::Working,
    }
}

/// One edge for each pair, with the outputs that are used.
fn edges(
    project: &Project,
    records: &[InstanceRecord],
    position: &HashMap<&InstanceRef, usize>,
) -> Vec<Edge> {
    let mut keys: Vec<((usize, usize), Vec<&str>)> = Vec::new();
    for (reference, declaration) in &project.config.instances {
        for used in &declaration.uses {
            let (Some(consumer), Some(producer)) = (position.get(reference), position.get(&used.target))
            else {
                continue;
            };
            let pair = (*consumer, *producer);
            match keys.iter_mut().find(|(have, _)| *have == pair) {
                Some((_, labels)) if labels.contains(&used.key.as_str()) => {}
                Some((_, labels)) => labels.push(&used.key),
                None => keys.push((pair, vec![&used.key])),
            }
        }
    }
    let mut edges: Vec<Edge> = keys
        .into_iter()
        .map(|((consumer, producer), labels)| Edge { consumer, producer, label: Some(labels.join(", ")) })
        .collect();
    for record in records.iter().filter(|record| !project.config.instances.contains_key(&record.reference)) {
        for need in &record.needs {
            if let (Some(consumer), Some(producer)) = (position.get(&record.reference), position.get(need)) {
                edges.push(Edge { consumer: *consumer, producer: *producer, label: None });
            }
        }
    }
    edges
}
