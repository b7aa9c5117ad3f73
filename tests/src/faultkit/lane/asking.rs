//! What a lane's platform does: it asks until it knows.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    super::{
        checks::Moment,
        evidence::{Answer, Call, Violation},
        platform::{End, Mode, Wish},
    },
    Lane,
};
use crate::world::WorldError;

impl Lane {
    /// Asks until it is known how it ended, as a platform does that never gives up.
    ///
    /// # Errors
    /// When that does not end in time, or the broker does not come up.
    pub async fn settle(&mut self, wish: &Wish, mode: Mode) -> Result<End, WorldError> {
        let deadline = Instant::now() + self.bound;
        let mut doubts = 0;
        while Instant::now() < deadline {
            if doubts > 0 {
                self.stay_alive().await?;
            }
            doubts += 1;
            let answer = self.platform.ask(wish, mode).await;
            self.counts.requests += 1;
            let Answer::Came { status, body } = answer else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            match status {
                200 | 201 | 410 => return Ok(End::Done(body)),
                202 => {
                    let Some(operation) = body["operation"].as_str() else {
                        return Err(WorldError::new("reading a 202", body));
                    };
                    // at once again: the same operation has to be told
                    self.platform.ask(wish, mode).await;
                    if let Some(end) = self.follow(wish, operation, deadline).await? {
                        return Ok(end);
                    }
                }
                422 if body["error"] == "ConcurrencyError" => {}
                408 | 429 | 500.. => {}
                _ => return Ok(End::Refused(status, body)),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let what = format!("{:?} of {} did not end\n{}", wish.call, wish.instance, self.broker.end_of_log());
        self.found.push(Violation::new("I-14", what.clone()));
        Err(WorldError::new("waiting for an end", what))
    }

    async fn follow(
        &mut self,
        wish: &Wish,
        operation: &str,
        deadline: Instant,
    ) -> Result<Option<End>, WorldError> {
        let is_deletion = matches!(wish.call, Call::Deprovision | Call::Unbind);
        while Instant::now() < deadline {
            let answer = self.platform.poll(wish, operation).await;
            self.counts.requests += 1;
            match (answer.status(), answer.text("state")) {
                (Some(200), Some("succeeded")) => return Ok(Some(End::Done(json!({})))),
                (Some(200), Some("failed")) => {
                    let Answer::Came { body, .. } = answer else { continue };
                    return Ok(Some(End::Failed(body)));
                }
                (Some(410), _) if is_deletion => return Ok(Some(End::Done(json!({})))),
                (Some(404), _) => return Ok(None),
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.stay_alive().await?;
        }
        Ok(None)
    }

    /// Waits until nothing is in progress, and looks at everything.
    ///
    /// # Errors
    /// When that does not come in time.
    pub async fn become_quiet(&mut self) -> Result<(), WorldError> {
        let deadline = Instant::now() + self.bound;
        while !self.dump().await?.is_quiet() {
            self.stay_alive().await?;
            if Instant::now() > deadline {
                self.check(Moment::Quiet).await;
                return Err(WorldError::new("waiting for quiet", self.broker.end_of_log()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.check(Moment::Quiet).await;
        Ok(())
    }
}
