//! Polls per second of our client beside bare reqwest with the same requests to the same server (perf P15).
//!
//! `cargo bench -p sutler-broker-client --bench poll`; `-- --pairs N` for more interleaved pairs.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use sutler_broker_client::{Authentication, Client, Settings};
use sutler_secrets::SecretString;
use sutler_spec::{InstanceId, LastOperationQuery};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TASKS: usize = 64;
const SPAN: Duration = Duration::from_millis(1000);
const BODY: &str = r#"{"state":"in progress","description":"step 1 of 2"}"#;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--pairs");
    let pairs = at.and_then(|at| arguments.get(at + 1)).and_then(|count| count.parse().ok()).unwrap_or(20);
    match compare(pairs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("the benchmark failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) {
    // A closed standard output leaves nobody to print for.
    let _closed = writeln!(std::io::stdout(), "{text}");
}

fn compare(pairs: usize) -> Result<(), Failure> {
    // whoever was first has installed the same
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let server = serve()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ours, bare) = (client(server)?, bare(server)?);
    runtime.block_on(polls(&ours))?;
    runtime.block_on(gets(&bare))?;
    let (mut ratios, mut rates, mut controls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let (plain, client) = (runtime.block_on(gets(&bare))?, runtime.block_on(polls(&ours))?);
        let again = runtime.block_on(gets(&bare))?;
        ratios.push(client / plain);
        controls.push(again / plain);
        rates.push(client);
    }
    print(&format!(
        "{TASKS} tasks, {pairs} interleaved pairs of {SPAN:?}: {:.0} polls/s; client/reqwest {:.3}   (goal P15: \
         >= 0.80); control A/A {:.3}",
        median(rates),
        median(ratios),
        median(controls)
    ));
    Ok(())
}

/// A server that answers every request with the same bytes, on a thread of its own.
fn serve() -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(answer(stream));
            }
            #[expect(unreachable_code, reason = "names the type of the block")]
            Ok::<(), std::io::Error>(())
        })
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let (mut buffer, mut filled) = (vec![0; 16 * 1024], 0);
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        // a request has no body here, and the next one comes only after the answer
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

fn client(server: SocketAddr) -> Result<Client, Failure> {
    let mut settings = Settings::new(format!("http://{server}/").parse()?);
    let password = SecretString::from("a-password-for-benchmarks-only");
    settings.authentication = Authentication::Basic { username: "platform".to_owned(), password };
    Ok(Client::new(settings)?)
}

/// What somebody without our client would write.
fn bare(server: SocketAddr) -> Result<(reqwest::Client, String), Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_static("Basic cGxhdGZvcm06YS1wYXNzd29yZC1mb3ItYmVuY2htYXJrcy1vbmx5"),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert("x-broker-api-version", HeaderValue::from_static("2.17"));
    let client = reqwest::Client::builder().no_proxy().default_headers(headers).build()?;
    Ok((client, format!("http://{server}/v2/service_instances/bench/last_operation")))
}

async fn polls(client: &Client) -> Result<f64, Failure> {
    let instance = InstanceId::new("bench")?;
    together(|| {
        let (client, instance) = (client.clone(), instance.clone());
        async move {
            client.last_operation_of_instance(&instance, &LastOperationQuery::default()).await?;
            Ok(())
        }
    })
    .await
}

async fn gets((client, url): &(reqwest::Client, String)) -> Result<f64, Failure> {
    together(|| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let _body: serde_json::Value =
                serde_json::from_slice(&client.get(url).send().await?.bytes().await?)?;
            Ok(())
        }
    })
    .await
}

/// Calls a second, made by all tasks.
async fn together<F>(call: impl Fn() -> F) -> Result<f64, Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let started = Instant::now();
    let deadline = started + SPAN;
    let task = || async {
        let mut count = 0_u32;
        while Instant::now() < deadline {
            call().await?;
            count += 1;
        }
        Ok::<u32, Failure>(count)
    };
    let tasks: futures_util::stream::FuturesUnordered<_> = (0..TASKS).map(|_| task()).collect();
    let counts: Vec<u32> = futures_util::TryStreamExt::try_collect(tasks).await?;
    Ok(f64::from(counts.iter().sum::<u32>()) / started.elapsed().as_secs_f64())
}

/// The middle of some numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
