//! A name server of one's own: BIND, started for the test on a free loopback port, gone when dropped.

use std::{
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    base::{
        Message, MessageBuilder, Name,
        iana::{Class, Rtype},
    },
    rdata::AllRecordData,
};
use sutler_secrets::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    signing::{self, Signing},
    way::Way,
};
use crate::providers::dns::{
    Algorithm, Answer, Asker, Change, Data, DnsName, RecordType, TsigKey, Update, Updated,
};

/// The key that may change every zone.
pub const WRITER: &str = "writer";
/// A key that the server knows and that may change nothing.
pub const STRANGER: &str = "stranger";

const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The program is not there.
    #[error("the name server BIND (named) is needed and not there; install the package `bind9`")]
    Missing,
    /// The system would not let us.
    #[error("could not {0}")]
    System(&'static str, #[source] std::io::Error),
    /// It does not answer.
    #[error("named does not answer: {0}")]
    Mute(String),
    /// It did not do what a test wants to stand on.
    #[error("named did not do it: {0}")]
    Refused(String),
}

pub(super) fn system(step: &'static str) -> impl FnOnce(std::io::Error) -> BindError {
    move |source| BindError::System(step, source)
}

/// A running server.
#[derive(Debug)]
pub struct Bind {
    folder: TempDir,
    process: Child,
    address: SocketAddr,
    secret: String,
    /// The way to it from another address.
    way: Option<Way>,
}

impl Bind {
    /// Starts a server that is the primary of these zones.
    ///
    /// # Errors
    /// When its program is missing or fails.
    pub async fn start(zones: &[&str]) -> Result<Self, BindError> {
        Self::start_with(zones, &Signing::default()).await
    }

    /// The same, with zones that are signed.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(zones: &[&str], signing: &Signing) -> Result<Self, BindError> {
        let program = program()?;
        let mut last = BindError::Missing;
        // somebody else may take a port between our finding it and the server's using it
        for _ in 0..5 {
            let address = free_address().map_err(system("find a free port"))?;
            match Self::run(&program, address, (zones, signing)).await {
                Ok(server) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Starts another primary of the same zones with contents and keys of its own, at the next loopback address and the
    /// same port: the second server of a pair that need not agree.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn beside(&self, zones: &[&str]) -> Result<Self, BindError> {
        self.beside_with(zones, &Signing::default()).await
    }

    /// The same, with zones that are signed.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn beside_with(&self, zones: &[&str], signing: &Signing) -> Result<Self, BindError> {
        let mut server = Self::start_with(zones, signing).await?;
        // named answers only at addresses that an interface of the machine has
        let next = SocketAddr::from(([127, 0, 0, 2], self.address.port()));
        let way = Way::at(next, server.address).await.map_err(system("answer at another address"))?;
        server.way = Some(way);
        Ok(server)
    }

    async fn run(
        program: &Path,
        address: SocketAddr,
        (zones, signing): (&[&str], &Signing),
    ) -> Result<Self, BindError> {
        let folder = TempDir::new().map_err(system("make a folder"))?;
        let secret = STANDARD.encode(uuid::Uuid::new_v4().simple().to_string());
        let path = folder.path().join("named.conf");
        fs::write(&path, configuration((folder.path(), address), &secret, (zones, signing)))
            .map_err(system("write the configuration"))?;
        for zone in zones {
            fs::write(folder.path().join(format!("{zone}.db")), contents(zone, address.ip()))
                .map_err(system("write a zone"))?;
        }
        signing.hand_over(folder.path()).map_err(system("hand over keys of zones"))?;
        let log = fs::File::create(folder.path().join("log")).map_err(system("write its log"))?;
        let process = Command::new(program)
            .args(["-g", "-n", "1", "-c"])
            .arg(&path)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(system("start named"))?;
        let mut server = Self { folder, process, address, secret, way: None };
        server.wait(zones).await?;
        signing.wait(&server).await?;
        Ok(server)
    }

    /// Waits until it answers for all its zones.
    async fn wait(&mut self, zones: &[&str]) -> Result<(), BindError> {
        let asker = Asker::new(Duration::from_millis(200));
        for _ in 0..400 {
            if self.process.try_wait().map_err(system("watch named"))?.is_some() {
                break;
            }
            let mut answered = 0;
            for zone in zones {
                let reply = asker.ask(self.address, &name(zone)?, RecordType::SOA).await;
                answered += usize::from(reply.is_ok_and(|reply| reply.is_authoritative));
            }
            if answered == zones.len() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(BindError::Mute(fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()))
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it answers, by datagram and by connection.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.way.as_ref().map_or(self.address, Way::address)
    }

    /// The secret of [`WRITER`] and of [`STRANGER`], in base64; their algorithm is `hmac-sha256`.
    #[must_use]
    pub fn secret(&self) -> SecretString {
        self.secret.as_str().into()
    }

    /// One of its keys.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn key(&self, name: &str) -> Result<TsigKey, BindError> {
        TsigKey::new(name, Algorithm::HmacSha256, &self.secret())
            .map_err(|error| BindError::Refused(error.to_string()))
    }

    /// Somebody adds a record.
    ///
    /// # Errors
    /// When the server does not do it.
    pub async fn add(&self, zone: &str, owner: &str, of: RecordType, text: &str) -> Result<(), BindError> {
        let data = Data::parse(of, text).map_err(|error| BindError::Refused(error.to_string()))?;
        self.change(zone, Change::Add(name(owner)?, 60, data)).await
    }

    /// Somebody removes all records of a name and type.
    ///
    /// # Errors
    /// When the server does not do it.
    pub async fn remove(&self, zone: &str, owner: &str, of: RecordType) -> Result<(), BindError> {
        self.change(zone, Change::RemoveAll(name(owner)?, of)).await
    }

    async fn change(&self, zone: &str, change: Change) -> Result<(), BindError> {
        let update = Update::of(&name(zone)?).then(change);
        match update.send(self.address, &self.key(WRITER)?, PATIENCE).await {
            Ok(Updated::Done) => Ok(()),
            other => Err(BindError::Refused(format!("{other:?}"))),
        }
    }

    /// How often the zone has changed: its serial number.
    ///
    /// # Errors
    /// When the server does not say it.
    pub async fn changes(&self, zone: &str) -> Result<u32, BindError> {
        let reply = Asker::new(PATIENCE).ask(self.address, &name(zone)?, RecordType::SOA).await;
        let answer = reply.map_err(|error| BindError::Mute(error.to_string()))?.answer;
        let Answer::Records(records) = answer else {
            return Err(BindError::Mute("no SOA record".to_owned()));
        };
        let text = records.first().map(|found| found.data.to_string()).unwrap_or_default();
        text.split(' ').nth(2).and_then(|serial| serial.parse().ok()).ok_or(BindError::Mute(text))
    }

    /// Everything that is in the zone but its SOA record, a line for each record, sorted.
    ///
    /// # Errors
    /// When the server does not say it.
    pub async fn records(&self, zone: &str) -> Result<Vec<String>, BindError> {
        let zone: Name<Vec<u8>> = zone.parse().map_err(|_| BindError::Refused(zone.to_owned()))?;
        let mut request = MessageBuilder::new_vec().question();
        request
            .push((&zone, Rtype::AXFR, Class::IN))
            .map_err(|error| BindError::Refused(error.to_string()))?;
        let request = request.finish();
        let received = self.transfer(&request).await.map_err(system("transfer the zone"))?;
        let unread = || BindError::Mute("the transfer cannot be read".to_owned());
        let message = Message::from_octets(received).map_err(|_| unread())?;
        let mut lines = Vec::new();
        for record in message.answer().map_err(|_| unread())? {
            let record = record.map_err(|_| unread())?;
            let record = record.to_any_record::<AllRecordData<_, _>>().map_err(|_| unread())?;
            if record.rtype() != Rtype::SOA {
                lines.push(format!(
                    "{} {} {} {}",
                    record.owner(),
                    record.ttl().as_secs(),
                    record.rtype(),
                    record.data()
                ));
            }
        }
        lines.sort();
        Ok(lines)
    }

    async fn transfer(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = tokio::net::TcpStream::connect(self.address).await?;
        stream.write_u16(u16::try_from(request.len()).map_err(std::io::Error::other)?).await?;
        stream.write_all(request).await?;
        let mut received = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut received).await?;
        Ok(received)
    }
}

impl Drop for Bind {
    fn drop(&mut self) {
        // it has nothing that is worth an orderly end
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn name(text: &str) -> Result<DnsName, BindError> {
    text.parse().map_err(|_| BindError::Refused(text.to_owned()))
}

/// Where the program is: on the path, or where Debian keeps it.
fn program() -> Result<PathBuf, BindError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join("named")).find(|path| path.is_file()).ok_or(BindError::Missing)
}

/// An address whose port is free for datagrams and for connections.
fn free_address() -> std::io::Result<SocketAddr> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = taken.local_addr()?;
    UdpSocket::bind(address).map(|_| address)
}

fn configuration(
    (folder, address): (&Path, SocketAddr),
    secret: &str,
    (zones, signing): (&[&str], &Signing),
) -> String {
    let (folder, ip, port) = (folder.display(), address.ip(), address.port());
    let mut text = format!(
        "options {{\n  directory \"{folder}\";\n  pid-file \"{folder}/pid\";\n  session-keyfile \"{folder}/session.key\";\n  \
         listen-on port {port} {{ {ip}; }};\n  listen-on-v6 {{ none; }};\n  recursion no;\n  notify no;\n  \
         dnssec-validation no;\n  allow-query {{ any; }};\n  allow-transfer {{ any; }};\n}};\ncontrols {{ }};\n"
    );
    for key in [WRITER, STRANGER] {
        let _ = writeln!(text, "key \"{key}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};");
    }
    text.push_str(signing::POLICY);
    for zone in zones {
        let signed = signing.of_zone(zone);
        let _ = writeln!(
            text,
            "zone \"{zone}\" {{ type primary; file \"{zone}.db\"; allow-update {{ key \"{WRITER}\"; }}; {signed} }};"
        );
    }
    text
}

/// A zone whose only server is this one. Its serial number grows by one with each change.
fn contents(zone: &str, ip: IpAddr) -> String {
    format!(
        "$TTL 60\n@ IN SOA ns1.{zone}. hostmaster.{zone}. 1 3600 600 86400 1\n@ IN NS ns1.{zone}.\nns1 IN A {ip}\n"
    )
}
