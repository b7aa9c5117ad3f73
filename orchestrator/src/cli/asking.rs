//! How long brokers are waited for that want to be asked later: `check` and `pull`.

use clap::Args;

use super::output::Output;
use super::text;
use crate::commands::{self, Failure, Patience, Project, Wait};

#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// How long to wait, all in all, for brokers that want to be asked later (429, 503 with Retry-After), such as 30s;
    /// what they have not told by then is unknown.
    #[arg(long, default_value = "2m", value_name = "DURATION")]
    pub(crate) wait: String,
}

impl Asking {
    /// The patience that it comes to; who is waited for is said to people.
    ///
    /// # Errors
    /// When it is no duration.
    pub(super) fn patience(&self, project: &Project, output: Output) -> Result<Patience, Failure> {
        let unusable =
            || Failure::usage(format!("--wait {} is not a duration; write it such as 30s", self.wait));
        let limit = commands::duration(&self.wait).ok_or_else(unusable)?;
        let told = move |wait: &Wait| output.say(&words(wait));
        Ok(Patience::new(limit, project.settings.pacing(), told))
    }
}

fn words(wait: &Wait) -> String {
    let (pause, left) = (text::duration(wait.pause), text::duration(wait.left));
    format!("broker '{}' wants to be asked later: again in {pause} (--wait ends in {left})", wait.broker)
}
