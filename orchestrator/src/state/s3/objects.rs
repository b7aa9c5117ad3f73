//! The objects of one state: named, read, created once, moved conditionally. Nothing is decided here.
//!
//! ```text
//! PREFIX/current                      where the state stands and who may write; moved with If-Match, from ETag to ETag
//! PREFIX/journal/FENCE-NUMBER         a group of commits; created once, named for the lock it was made under
//! PREFIX/archive/FROM-TO              the journal up to a revision; created once
//! PREFIX/revisions/SERIAL.json        what is known of a revision; created once
//! PREFIX/revisions/SERIAL.index       which chunks hold its records
//! PREFIX/revisions/SERIAL.trails      which chunks hold how often each ref had been changed
//! PREFIX/revisions/SERIAL.places      which revision wrote each of them first
//! PREFIX/chunks/SERIAL-DIGEST         a part of that revision and of later ones that share it; created once
//! ```

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion,
};

use crate::config::BucketPlace;
use crate::state::StateError;

/// So many requests at once, where many objects are wanted.
const ABREAST: usize = 16;
/// How long one request may take.
const CALL: Duration = Duration::from_secs(30);

/// The objects below a prefix.
#[derive(Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    place: BucketPlace,
}

/// Who we are to the store, where the environment does not say.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
}

/// What came of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    /// It was done; the object's new ETag.
    Done(String),
    /// The condition did not hold.
    Refused,
    /// Nobody knows: no answer came, or none that says.
    Unknown(Error),
}

/// A whole object.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) etag: String,
    pub(super) bytes: Bytes,
}

impl Objects {
    /// Speaks to the store of this place.
    pub(super) fn new(place: BucketPlace, keys: Option<Keys>) -> Result<Self, StateError> {
        // The client's TLS has no crypto provider of its own; another part of the program may have set it already.
        let _set = rustls::crypto::ring::default_provider().install_default();
        let plain = place.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http");
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&place.bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(ClientOptions::new().with_timeout(CALL).with_connect_timeout(CALL / 6))
            .with_allow_http(plain)
            .with_retry(retry());
        if let Some(region) = &place.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &place.endpoint {
            if keys.is_none() && !has_credentials() {
                // a machine of Amazon's gives them by itself; another server's credentials must be told
                let location = place.to_string();
                return Err(StateError::Storage { location, step: "reach", source: NO_CREDENTIALS.into() });
            }
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        if let Some(Keys { id, secret }) = keys {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        match builder.build() {
            Ok(store) => Ok(Self { store: Arc::new(store), place }),
            Err(source) => {
                let location = place.to_string();
                Err(StateError::Storage { location, step: "reach", source: source.into() })
            }
        }
    }

    pub(super) fn location(&self) -> String {
        self.place.to_string()
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> StateError {
        StateError::Damaged { location: self.location(), what: what.into() }
    }

    pub(super) fn failed(&self, step: &'static str) -> impl Fn(Error) -> StateError {
        let location = self.location();
        move |source| StateError::Storage { location: location.clone(), step, source: source.into() }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.place.prefix))
    }

    /// An object, if there is one.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Found>, StateError> {
        self.get_unless(name, None).await.map(|found| match found {
            Fresh::Found(found) => Some(found),
            Fresh::Missing | Fresh::Same => None,
        })
    }

    /// An object, unless it is the one with this ETag.
    pub(super) async fn get_unless(&self, name: &str, etag: Option<&str>) -> Result<Fresh, StateError> {
        let options = GetOptions { if_none_match: etag.map(str::to_owned), ..GetOptions::default() };
        match self.store.get_opts(&self.path(name), options).await {
            Ok(got) => {
                let etag = got.meta.e_tag.clone().unwrap_or_default();
                let bytes = got.bytes().await.map_err(self.failed("read"))?;
                Ok(Fresh::Found(Found { etag, bytes }))
            }
            Err(Error::NotModified { .. }) => Ok(Fresh::Same),
            Err(Error::NotFound { .. }) => Ok(Fresh::Missing),
            Err(error) => Err(self.failed("read")(error)),
        }
    }

    /// Many objects, in the order of their names.
    pub(super) async fn get_all(&self, names: Vec<String>) -> Result<Vec<Option<Bytes>>, StateError> {
        let get = |name: String| async move { Ok(self.get(&name).await?.map(|found| found.bytes)) };
        stream::iter(names).map(get).buffered(ABREAST).try_collect().await
    }

    /// Creates an object where there is none.
    pub(super) async fn create(&self, name: &str, bytes: Bytes) -> Put {
        self.put(name, bytes, PutMode::Create).await
    }

    /// Replaces the object with this ETag.
    pub(super) async fn replace(&self, name: &str, bytes: Bytes, etag: &str) -> Put {
        let version = UpdateVersion { e_tag: Some(etag.to_owned()), version: None };
        self.put(name, bytes, PutMode::Update(version)).await
    }

    async fn put(&self, name: &str, bytes: Bytes, mode: PutMode) -> Put {
        let payload = PutPayload::from_bytes(bytes);
        match self.store.put_opts(&self.path(name), payload, PutOptions::from(mode)).await {
            Ok(done) => done.e_tag.map_or_else(|| Put::Unknown(no_etag()), Put::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Put::Refused,
            Err(error) => Put::Unknown(error),
        }
    }

    /// Creates an object that can have one content only: whoever was first wrote the same.
    pub(super) async fn create_same(&self, name: &str, bytes: Bytes) -> Result<(), StateError> {
        match self.create(name, bytes.clone()).await {
            Put::Done(_) => Ok(()),
            put => match self.get(name).await? {
                Some(found) if found.bytes == bytes => Ok(()),
                Some(_) => Err(self.damaged(format!("{name} is there and holds something else"))),
                None => Err(self.failed("write")(match put {
                    Put::Unknown(error) => error,
                    Put::Done(_) | Put::Refused => no_etag(),
                })),
            },
        }
    }

    /// The same for many.
    pub(super) async fn create_all_same(&self, items: Vec<(String, Bytes)>) -> Result<(), StateError> {
        let create = |(name, bytes): (String, Bytes)| async move { self.create_same(&name, bytes).await };
        stream::iter(items).map(create).buffer_unordered(ABREAST).try_collect().await
    }

    /// The names in a folder, in order.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<String>, StateError> {
        let found: Vec<_> =
            self.store.list(Some(&self.path(folder))).try_collect().await.map_err(self.failed("list"))?;
        let mut names: Vec<String> =
            found.iter().filter_map(|object| object.location.filename().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes what nobody needs any more. What cannot be deleted now is left for the next time.
    pub(super) async fn discard(&self, names: Vec<String>) {
        let delete = |name: String| async move { (self.store.delete(&self.path(&name)).await, name) };
        let mut done = stream::iter(names).map(delete).buffer_unordered(ABREAST);
        while let Some((outcome, name)) = done.next().await {
            if let Err(error) = outcome {
                tracing::debug!(%error, name, "an object that nobody needs was left");
            }
        }
    }
}

const NO_CREDENTIALS: &str =
    "neither AWS_ACCESS_KEY_ID nor another of the AWS variables for credentials is set";

/// Whether the environment says who we are.
fn has_credentials() -> bool {
    let variables = [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    variables.iter().any(|name| std::env::var_os(name).is_some_and(|text| !text.is_empty()))
}

/// What is known of an object that may have been seen before.
#[derive(Debug)]
pub(super) enum Fresh {
    /// It is the one that was seen.
    Same,
    /// It is another one.
    Found(Found),
    /// There is none.
    Missing,
}

/// A short trouble of the store passes by itself; whether a conditional write happened is looked up by us.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        },
        max_retries: 4,
        retry_timeout: Duration::from_secs(20),
    }
}

fn no_etag() -> Error {
    Error::Generic { store: "S3", source: "the store gave no ETag".into() }
}
