//! No faults: what a release build has.

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use url::Url;

use super::Injected;

#[inline(always)]
pub(crate) fn reach(_point: &'static str) -> Result<(), Injected> {
    Ok(())
}

#[inline(always)]
pub(crate) async fn pass(_point: &'static str) -> Result<(), Injected> {
    Ok(())
}

#[inline(always)]
pub(crate) async fn race<T>(_point: &'static str, future: impl Future<Output = T>) -> Result<T, Injected> {
    Ok(future.await)
}

#[inline(always)]
pub(crate) async fn half_request(_point: &'static str, _url: &Url) -> Result<(), Injected> {
    Ok(())
}

#[inline(always)]
pub(crate) fn half_answer(
    _point: &'static str,
    mut response: HttpResponseBuilder,
    body: Bytes,
) -> HttpResponse {
    response.body(body)
}

#[inline(always)]
pub(crate) const fn mutant(_name: &'static str) -> bool {
    false
}
