//! The broker as a process: credentials that change under load, memory that nobody reads, logs that stay logs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{PASSWORD, Process, client, configure};

const NEW: &str = "another-long-password-5678";

fn broker(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
    command.arg("serve").arg("-c").arg(config);
    command
}

/// A broker with the probe, and both passwords in their files.
fn configured(folder: &Path, more: &str) -> std::path::PathBuf {
    std::fs::write(folder.join("new.password"), NEW).unwrap();
    configure(folder, &format!("vendors: {{ probe: {{ slow: 2s }} }}\n{more}"))
}

async fn status(client: &reqwest::Client, address: &str, password: &str) -> u16 {
    let request = client.get(format!("http://{address}/v2/catalog")).header("X-Broker-API-Version", "2.17");
    request.basic_auth("platform", Some(password)).send().await.map_or(0, |answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn s_03_a_credential_is_rotated_by_writing_files_and_no_request_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = configured(folder.path(), "management: 127.0.0.1:0\n");
    let old = std::fs::read_to_string(&path).unwrap();
    let one = "{ id: me, username: platform, password: { file: platform.password } }";
    let other =
        "{ id: next, username: platform, password: { file: new.password }, not_after: 2999-01-01T00:00:00Z }";
    let process = Process::start(broker(&path));
    let (address, client) = (process.address.clone(), client());
    assert_eq!(status(&client, &address, NEW).await, 401);
    // both count
    std::fs::write(&path, old.replace(one, &format!("{one}, {other}"))).unwrap();
    until(async || status(&client, &address, NEW).await == 200).await;
    assert_eq!(status(&client, &address, PASSWORD).await, 200);
    // whoever uses the new one does not notice that the old one goes, nor that the file is nonsense for a while
    let (failed, sent, stop) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, address) = (client.clone(), address.clone());
            let (failed, sent, stop) = (failed.clone(), sent.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let good = status(&client, &address, NEW).await == 200;
                    failed.fetch_add(usize::from(!good), Ordering::Relaxed);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    std::fs::write(&path, "nonsense: [").unwrap();
    until(async || sent.load(Ordering::Relaxed) > 500 && process.has_logged("could not be read again")).await;
    std::fs::write(&path, old.replace(one, other)).unwrap();
    until(async || status(&client, &address, PASSWORD).await == 401).await;
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {}", sent.load(Ordering::Relaxed));
    let (ended, _, log) = process.end();
    assert!(ended.success());
    let log = log.join("\n");
    assert!(log.contains("could not be read again"), "{log}");
    assert!(log.contains("used for the first time") && log.contains("\"next\""), "{log}");
    assert!(!log.contains(NEW) && !log.contains(PASSWORD));
}

/// Waits until it is so.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < Duration::from_secs(30), "it does not come to pass");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_44_s_46_no_other_process_reads_the_memory_or_the_environment() {
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let path = configured(folder.path(), "");
    let config = std::fs::read_to_string(&path)
        .unwrap()
        .replace("{ file: platform.password }", "{ env: PLATFORM_PASSWORD }");
    std::fs::write(&path, config).unwrap();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = broker(&path);
    if is_root {
        // root may read everything: somebody else serves, from a folder and a program of their own
        let program = folder.path().join("broker");
        std::fs::copy(env!("CARGO_BIN_EXE_sutler-broker"), &program).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command = Command::new(program);
        command.arg("serve").arg("-c").arg(&path).uid(NOBODY).gid(NOBODY);
    }
    let process = Process::start({
        command.env("PLATFORM_PASSWORD", PASSWORD);
        command
    });
    let proc = Path::new("/proc").join(process.id().to_string());
    let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    let line = std::fs::read_to_string(proc.join("cmdline")).unwrap();
    assert!(!line.contains(PASSWORD), "{line}");
    for file in ["mem", "environ", "maps"] {
        // files of a process that may not be dumped are root's
        assert_eq!(std::fs::metadata(proc.join(file)).unwrap().uid(), 0, "{file}");
        let mut reader = Command::new("cat");
        reader.arg(proc.join(file));
        if is_root {
            reader.uid(NOBODY).gid(NOBODY);
        }
        let read = reader.output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty(), "{file}");
    }
    assert!(process.end().0.success());
}

/// Text that would be two lines, no JSON, or somebody else's words.
const HOSTILE: [&str; 8] = [
    "a\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}gnirts\u{2066}",
    "\",\"message\":\"forged",
    "\\\",\"x\":\"",
    "%s%n{}{{}}\\u0000",
    "\u{feff}\u{200b}\u{7f}\u{9b}31m",
    "${jndi:ldap://127.0.0.1/x}",
];

#[tokio::test(flavor = "multi_thread")]
async fn s_20_every_line_of_the_log_is_one_json_object_whatever_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = configured(folder.path(), "");
    let mut command = broker(&path);
    command.env("SUTLER_LOG", "trace");
    let process = Process::start(command);
    let (address, client) = (process.address.clone(), client());
    for hostile in HOSTILE {
        let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let header = reqwest::header::HeaderValue::from_bytes(hostile.replace(['\r', '\n'], "\t").as_bytes());
        let body = serde_json::json!({
            "service_id": hostile, "plan_id": hostile, "organization_guid": hostile, "space_guid": hostile,
            "parameters": { hostile: hostile }, "context": { "platform": hostile },
        });
        for path in [
            format!("service_instances/{encoded}"),
            format!("service_instances/i/service_bindings/{encoded}"),
        ] {
            for method in
                [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::PATCH, reqwest::Method::DELETE]
            {
                let url = format!(
                    "http://{address}/v2/{path}?service_id={encoded}&plan_id={encoded}&operation={encoded}"
                );
                let mut request =
                    client.request(method, url).basic_auth("platform", Some(PASSWORD)).json(&body);
                for name in
                    ["X-Broker-API-Request-Identity", "X-Broker-API-Originating-Identity", "User-Agent"]
                {
                    if let Ok(value) = &header {
                        request = request.header(name, value);
                    }
                }
                request.header("X-Broker-API-Version", "2.17").send().await.unwrap();
            }
        }
        let request = client.get(format!("http://{address}/v2/catalog"));
        assert_eq!(request.basic_auth(hostile, Some("wrong")).send().await.unwrap().status(), 401);
        // bytes that are no request at all
        let mut raw = TcpStream::connect(&address).unwrap();
        let _ = raw.write_all(format!("GET /{hostile} HTTP/1.1\r\nHost: {hostile}\r\n\r\n").as_bytes());
        raw.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let _ = raw.read_to_end(&mut Vec::new());
    }
    let (ended, printed, log) = process.end();
    assert!(ended.success() && printed.is_empty(), "{printed}");
    assert!(log.len() > 100, "{}", log.len());
    for line in &log {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(record["level"].is_string() && record["timestamp"].is_string(), "{line}");
        assert_ne!(record["message"], "forged", "{line}");
        assert!(!line.contains(PASSWORD), "{line}");
        assert!(line.chars().all(|character| !character.is_control()), "{line:?}");
    }
}
