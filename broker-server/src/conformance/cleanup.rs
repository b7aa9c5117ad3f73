//! What a run made goes again, whatever state it is in.

use super::{
    answer::Answer,
    bench::Made,
    trial::{Incomplete, Trial},
};

/// How often a deletion that did not succeed is asked for again.
const ATTEMPTS: usize = 5;

/// Deletes in the given order; says what is left.
pub(super) async fn delete_all(trial: &Trial, made: Vec<Made>) -> Vec<String> {
    let mut left = Vec::new();
    for made in made {
        if let Err(reason) = delete(trial, &made).await {
            left.push(format!("{} ({}): {reason}", made.path, made.offer.name()));
        }
    }
    left
}

async fn delete(trial: &Trial, made: &Made) -> Result<(), String> {
    let mut reason = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(trial.pause()).await;
        }
        let call = trial.delete(made.path.clone(), &made.offer, Incomplete::Accepted);
        let answered = match call.send().await {
            Ok(answer) => answer,
            Err(finding) => {
                reason = format!("{finding:?}");
                continue;
            }
        };
        match answered.status {
            200 | 204 | 404 | 410 => return Ok(()),
            202 => match is_gone(trial, made, &answered).await {
                Ok(()) => return Ok(()),
                Err(said) => reason = said,
            },
            _ => reason = answered.said(),
        }
    }
    Err(reason)
}

async fn is_gone(trial: &Trial, made: &Made, begun: &Answer) -> Result<(), String> {
    trial.succeeded(&made.path, begun).await.map_err(|finding| format!("{finding:?}"))
}
