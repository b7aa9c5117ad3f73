//! One whole life of an instance, with everything that must be true after each request of it.

use std::collections::BTreeMap;

use super::{
    Broken,
    platform::{End, Ids, Platform},
    staged::{Object, Staged},
    trouble::{Met, Trouble},
};
use crate::providers::Work;

/// What may come of the request that is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// Success only.
    Success,
    /// Failure too; then the request is made again.
    Failure,
}

/// How often a platform asks again.
const INSISTENCE: u32 = 3;

/// How many objects of each kind an undisturbed life has after each request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reference(Vec<(Work, Counts)>);

impl Reference {
    fn after(&self, work: Work) -> Option<&Counts> {
        self.0.iter().find(|(of, _)| *of == work).map(|(_, counts)| counts)
    }
}

type Counts = BTreeMap<String, usize>;

/// The requests of a life. Changing what has a binding is the harder case.
const REQUESTS: [Work; 5] = [Work::Provision, Work::Bind, Work::Update, Work::Unbind, Work::Deprovision];

/// Lives a life that nothing disturbs; every other is compared with it.
pub(super) async fn quiet<S: Staged>(platform: &mut Platform<S>) -> Result<Reference, Broken> {
    let mut counted = Reference::default();
    let lived = Life { trouble: &Trouble::None, tolerance: Tolerance::Success, reference: None };
    lived.run(platform, &mut counted).await?;
    Ok(counted)
}

/// Lives a life with the same trouble in each of its requests. How many of them met it.
pub(super) async fn troubled<S: Staged>(
    platform: &mut Platform<S>,
    reference: &Reference,
    trouble: &Trouble<'_>,
    tolerance: Tolerance,
) -> Result<u32, Broken> {
    let life = Life { trouble, tolerance, reference: Some(reference) };
    life.run(platform, &mut Reference::default()).await
}

/// A life: no orphan and no twin after any request (I-01, I-02), nothing foreign touched (I-03), credentials that work
/// until they are revoked (I-07), and nothing left at the end (I-06).
struct Life<'a> {
    trouble: &'a Trouble<'a>,
    tolerance: Tolerance,
    reference: Option<&'a Reference>,
}

impl Life<'_> {
    async fn run<S: Staged>(
        &self,
        platform: &mut Platform<S>,
        counted: &mut Reference,
    ) -> Result<u32, Broken> {
        let ids = platform.ids()?;
        let before = platform.objects().await;
        let (mut credentials, mut met) = (None, 0);
        for work in REQUESTS {
            if matches!(work, Work::Bind | Work::Unbind) && !platform.is_bindable() {
                continue;
            }
            self.trouble.begin(platform).await?;
            let insisted = insist(platform, work, &ids, self.tolerance).await;
            let struck = self.trouble.end(platform).await;
            let held = match insisted {
                Ok(()) => self.holds(platform, work, &before).await,
                Err(broken) => Err(broken),
            };
            counted.0.push((work, held.map_err(|broken| struck.blamed(broken))?));
            met += u32::from(struck != Met::Nothing);
            match work {
                Work::Bind => credentials = Some(works(platform, &ids).await?),
                Work::Unbind => revoked(platform, credentials.take()).await?,
                _ => {}
            }
        }
        emptied(platform, &ids, &before).await?;
        platform.check_discretion()?;
        Ok(met)
    }

    /// What is at the vendor after the request is what is there after it in an undisturbed life.
    async fn holds<S: Staged>(
        &self,
        platform: &Platform<S>,
        work: Work,
        before: &[Object],
    ) -> Result<Counts, Broken> {
        let now = platform.objects().await;
        untouched(before, &now).map_err(|broken| broken.after(work))?;
        let counts = counts(before, &now);
        match self.reference.and_then(|reference| reference.after(work)) {
            Some(expected) if *expected != counts => Err(Broken(format!(
                "after {}, there is {} of ours at the vendor; undisturbed, there is {} (I-01, I-02)",
                work.as_str(),
                shown(&counts),
                shown(expected),
            ))),
            _ => Ok(counts),
        }
    }
}

/// Asks, and asks again if a failure is tolerated. After a failure the repetition decides.
pub(super) async fn insist<S: Staged>(
    platform: &mut Platform<S>,
    work: Work,
    ids: &Ids,
    tolerance: Tolerance,
) -> Result<(), Broken> {
    let mut last = String::new();
    for attempt in 0..INSISTENCE {
        match platform.ask(work, ids).await? {
            End::Done => return Ok(()),
            // deleted by an earlier request of ours that was told otherwise
            End::Gone if attempt > 0 => return Ok(()),
            End::Gone => return Err(Broken(format!("{} says that it was never there", work.as_str()))),
            End::Failed(description) => last = description,
        }
        if tolerance == Tolerance::Success {
            break;
        }
    }
    Err(Broken(format!("{} does not succeed: {last}", work.as_str())))
}

/// Every object that was there is there, as it was (I-03).
pub(super) fn untouched(before: &[Object], now: &[Object]) -> Result<(), Broken> {
    match before.iter().find(|object| !now.contains(object)) {
        Some(Object { kind, id, .. }) => {
            Err(Broken(format!("the {kind} {id} is not ours and was changed or deleted (I-03)")))
        }
        None => Ok(()),
    }
}

/// Exactly what was there before is there now.
pub(super) fn unchanged(before: &[Object], now: &[Object]) -> Result<(), Broken> {
    untouched(before, now)?;
    let counts = counts(before, now);
    if counts.is_empty() {
        return Ok(());
    }
    Err(Broken(format!("{} is left at the vendor (I-01)", shown(&counts))))
}

fn counts(before: &[Object], now: &[Object]) -> Counts {
    let mut counts = Counts::new();
    for object in now.iter().filter(|object| !before.contains(object)) {
        *counts.entry(object.kind.clone()).or_default() += 1;
    }
    counts
}

fn shown(counts: &Counts) -> String {
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    counts.join(", ")
}

/// The credentials of the binding, after the vendor has accepted them and a repetition gave the same.
async fn works<S: Staged>(platform: &mut Platform<S>, ids: &Ids) -> Result<sutler_spec::Credentials, Broken> {
    let credentials = platform.credentials(ids).await?;
    if platform.credentials(ids).await? != credentials {
        return Err(Broken::new("a repeated bind gives other credentials (I-11)"));
    }
    match platform.stage.accepts(&credentials).await {
        Some(false) => Err(Broken::new("the vendor does not accept the credentials of the binding")),
        _ => Ok(credentials),
    }
}

async fn revoked<S: Staged>(
    platform: &Platform<S>,
    credentials: Option<sutler_spec::Credentials>,
) -> Result<(), Broken> {
    let Some(credentials) = credentials else { return Ok(()) };
    match platform.stage.accepts(&credentials).await {
        Some(true) => Err(Broken::new("after unbind, the vendor still accepts the credentials (I-07)")),
        _ => Ok(()),
    }
}

/// Nothing is left, and a repeated deletion says so.
pub(super) async fn emptied<S: Staged>(
    platform: &mut Platform<S>,
    ids: &Ids,
    before: &[Object],
) -> Result<(), Broken> {
    unchanged(before, &platform.objects().await).map_err(|broken| broken.after(Work::Deprovision))?;
    match platform.deprovision(ids).await? {
        End::Gone => Ok(()),
        other => Err(Broken(format!("a second deletion is answered with {other:?}, not with 410 (I-11)"))),
    }
}
