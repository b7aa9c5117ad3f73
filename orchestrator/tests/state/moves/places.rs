//! Places of each kind, and what is stored in them.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;
use url::Url;

use super::judge::{Seen, Stands};
use crate::project::Project;
use crate::state::Place;

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Bucket,
}

/// Where states can go; its servers live as long as it.
pub(crate) struct Places {
    kept: Vec<Place>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// The address of a place where nothing is.
    pub(crate) async fn fresh(&mut self, kind: Kind, project: &Project) -> String {
        let place = match kind {
            Kind::Sqlite => {
                let mut place = Place::sqlite();
                place.url = format!("sqlite:.sutler/state-{}.db", self.kept.len());
                place
            }
            Kind::Postgres => Place::postgres(&project.folder),
            Kind::Bucket => Place::bucket().await,
        };
        let url = place.url.clone();
        self.kept.push(place);
        url
    }
}

/// What is stored at an address.
pub(crate) async fn look(project: &Project, url: &str) -> Seen {
    match url.split_once(':').unwrap() {
        ("sqlite", path) => file(&project.folder.path().join(path)),
        ("postgres", _) => database(url).await,
        _ => bucket(url).await,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(path: &std::path::Path) -> Seen {
    if !path.exists() {
        return Seen { standing: Value::Null, stands: None };
    }
    let connection = rusqlite::Connection::open(path).unwrap();
    let query = "SELECT serial, head, lineage, fence FROM header, lock";
    let stands = connection
        .query_row(query, [], |row| {
            let head: Vec<u8> = row.get(1)?;
            let number = |at: usize| row.get(at).map(|number: i64| u64::try_from(number).unwrap());
            Ok(Stands { serial: number(0)?, head: hex(&head), lineage: row.get(2)?, fence: number(3)? })
        })
        .unwrap();
    let standing = connection.query_row("SELECT body FROM standing", [], |row| row.get::<_, String>(0));
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(
        format == 3,
        standing.is_ok(),
        "a program of before must refuse a place that is part of a move"
    );
    Seen { standing: parsed(standing.ok()), stands: Some(stands) }
}

fn parsed(text: Option<String>) -> Value {
    text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

fn option(url: &str, name: &str) -> String {
    let url: Url = url.parse().unwrap();
    let found =
        url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("{url} has no {name}"));
    found.1.into_owned()
}

async fn database(url: &str) -> Seen {
    let (schema, place): (String, Url) = (option(url, "schema"), url.parse().unwrap());
    let address = format!("postgres://ada:hunter2@127.0.0.1:{}/postgres", place.port().unwrap());
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    let there = "SELECT count(*) FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2";
    let exists = async |table: &str| -> bool {
        client.query_one(there, &[&schema, &table]).await.unwrap().get::<_, i64>(0) > 0
    };
    if !exists("header").await {
        return Seen { standing: Value::Null, stands: None };
    }
    let query = format!("SELECT serial, head, lineage, fence, format FROM {schema}.header");
    let row = client.query_one(&query, &[]).await.unwrap();
    let number = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap();
    let stands = Stands { serial: number(0), head: hex(row.get(1)), lineage: row.get(2), fence: number(3) };
    let mut standing = None;
    if exists("standing").await {
        let row = client.query_one(&format!("SELECT body FROM {schema}.standing"), &[]).await.unwrap();
        standing = Some(row.get::<_, String>(0));
    }
    assert_eq!(number(4) == 3, standing.is_some(), "a program of before must refuse it");
    Seen { standing: parsed(standing), stands: Some(stands) }
}

async fn bucket(url: &str) -> Seen {
    let (endpoint, place): (Url, Url) = (option(url, "endpoint").parse().unwrap(), url.parse().unwrap());
    let path = format!("/{}{}/current", place.host_str().unwrap(), place.path());
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    if head.contains(" 404 ") {
        return Seen { standing: Value::Null, stands: None };
    }
    assert!(head.contains(" 200 "), "{answer}");
    let current: Value = serde_json::from_str(body).unwrap();
    let text = |name: &str| current[name].as_str().unwrap().to_owned();
    let number = |name: &str| current[name].as_u64().unwrap();
    let stands = Stands {
        serial: number("serial"),
        head: text("head"),
        lineage: text("lineage"),
        fence: number("fence"),
    };
    assert_eq!(number("format") == 3, !current["standing"].is_null(), "a program of before must refuse it");
    Seen { standing: current["standing"].clone(), stands: Some(stands) }
}
