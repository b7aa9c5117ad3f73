//! Faults that happen: what a test build has.

use std::{sync::OnceLock, time::Duration};

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use tokio::{io::AsyncWriteExt, net::TcpStream, time};
use url::Url;

use super::{
    Injected,
    plan::{Action, due},
};

/// How long a request is under way before something happens to its sender.
const UNDER_WAY: Duration = Duration::from_millis(50);

/// A point on a thread of its own.
pub(crate) fn reach(point: &'static str) -> Result<(), Injected> {
    match due(point) {
        None => Ok(()),
        Some(Action::Delay(delay)) => {
            std::thread::park_timeout(delay);
            Ok(())
        }
        Some(Action::Hang) => loop {
            std::thread::park();
        },
        Some(action) => strike(point, action),
    }
}

/// A point in a task.
pub(crate) async fn pass(point: &'static str) -> Result<(), Injected> {
    match due(point) {
        None => Ok(()),
        Some(action) => suffer(point, action).await,
    }
}

/// A point that lies within the given work: it is begun, and not waited for.
pub(crate) async fn race<T>(point: &'static str, work: impl Future<Output = T>) -> Result<T, Injected> {
    let Some(action) = due(point) else { return Ok(work.await) };
    let mut work = Box::pin(work);
    let ended = time::timeout(UNDER_WAY, &mut work).await;
    suffer(point, action).await?;
    match ended {
        Ok(ended) => Ok(ended),
        Err(_elapsed) => Ok(work.await),
    }
}

/// A point in the middle of a request.
pub(crate) async fn half_request(point: &'static str, url: &Url) -> Result<(), Injected> {
    let Some(action) = due(point) else { return Ok(()) };
    let address = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    if let Ok(mut connection) = TcpStream::connect(address).await {
        let half = format!("POST {} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{\"na", url.path());
        // the other side may have gone: then nothing was sent, which is as good
        let _ = connection.write_all(half.as_bytes()).await;
        return suffer(point, action).await;
    }
    suffer(point, action).await
}

/// A point in the middle of an answer.
pub(crate) fn half_answer(
    point: &'static str,
    mut response: HttpResponseBuilder,
    body: Bytes,
) -> HttpResponse {
    let Some(action) = due(point) else { return response.body(body) };
    let (length, rest) = (body.len() as u64, body.slice(body.len() / 2..));
    let begin = stream::once(future::ready(Ok(body.slice(..body.len() / 2))));
    let end = stream::once(async move {
        // the first half has to be on its way
        time::sleep(UNDER_WAY).await;
        suffer(point, action).await.map(|()| rest).map_err(std::io::Error::other)
    });
    response.no_chunking(length).streaming(begin.chain(end))
}

async fn suffer(point: &'static str, action: Action) -> Result<(), Injected> {
    match action {
        Action::Delay(delay) => {
            time::sleep(delay).await;
            Ok(())
        }
        Action::Hang => future::pending().await,
        action => strike(point, action),
    }
}

fn strike(point: &'static str, action: Action) -> Result<(), Injected> {
    match action {
        Action::Kill => std::process::abort(),
        Action::Panic => panic!("a fault was injected at {point}"),
        _ => Err(Injected(point)),
    }
}

/// Whether the named mistake is to be made.
pub(crate) fn mutant(name: &'static str) -> bool {
    static MUTANT: OnceLock<Option<String>> = OnceLock::new();
    MUTANT.get_or_init(|| std::env::var("SUTLER_MUTANT").ok()).as_deref() == Some(name)
}
