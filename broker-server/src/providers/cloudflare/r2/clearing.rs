//! What keeps a bucket from being deleted: what is in it, and who reads from it.

use sutler_catalog::cloudflare::r2::Parameters;

use super::{calls::Buckets, domains};
use crate::providers::cloudflare::{client::CallError, object::Clearing};

/// The most objects that one deletion deletes: at the pace that an account may be called, this takes an hour.
pub(super) const MAX_OBJECTS: u32 = 10_000;

/// Why it must not be deleted, if there is a reason.
pub(super) async fn hindrance(
    buckets: &Buckets<'_>,
    name: &str,
    (wanted, is_ours): (&Parameters, impl Fn(&str) -> bool),
) -> Result<Option<String>, CallError> {
    let Parameters { protect, force_empty, custom_domains, .. } = wanted;
    if *protect {
        let attached = buckets.domains(name).await?;
        let others = domains::of_others(&attached, custom_domains).map(|domain| domain.domain.as_str());
        let others: Vec<&str> = others.filter(|domain| !is_ours(domain)).collect();
        if !others.is_empty() {
            return Ok(Some(format!(
                "protect: somebody else attached {} to the bucket; update the instance with protect set to false, and \
                 deleting it detaches all host names",
                others.join(", ")
            )));
        }
    }
    let is_kept = (*protect || !*force_empty) && !buckets.objects(name).await?.is_empty();
    Ok(is_kept.then(|| {
        "protect: the bucket has objects; update the instance with protect set to false and force_empty set to true, \
         and deleting it deletes them too"
            .to_owned()
    }))
}

/// Takes one thing away. Host names first: nobody shall read from a bucket that is half gone. Then the objects, one by one.
pub(super) async fn clear(
    buckets: &Buckets<'_>,
    name: &str,
    wanted: &Parameters,
    (mut present, removed): (Vec<String>, u32),
) -> Result<Clearing, CallError> {
    if present.is_empty() {
        if let Some(domain) = buckets.domains(name).await?.first() {
            buckets.detach(name, &domain.domain).await?;
            return Ok(Clearing::Removed(Vec::new()));
        }
        if !wanted.force_empty {
            return Ok(Clearing::Nothing);
        }
        present = buckets.objects(name).await?;
    }
    let Some(key) = present.pop() else { return Ok(Clearing::Nothing) };
    if removed >= MAX_OBJECTS {
        return Ok(Clearing::TooMuch(format!(
            "{removed} objects were deleted, and there are more; delete the instance again to go on, or empty the bucket \
             with an S3 client first"
        )));
    }
    buckets.delete_object(name, &key).await?;
    Ok(Clearing::Removed(present))
}
