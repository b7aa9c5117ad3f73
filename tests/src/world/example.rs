//! The examples of `docs/examples`, started as they stand there.
//!
//! Their files name the addresses that the README tells people to use. Here each process gets a port of its own, and the
//! addresses in the copies are changed to those; nothing else is.

use std::path::{Path, PathBuf};

use sutler_broker_server::testing::postgres::Cluster;

use super::{
    Binaries, BrokerSpec, CLOUDFLARE_TOKEN, DNSIMPLE_TOKEN, DnsimpleProcess, Given, Names, Program,
    ProgramKind, STRIPE_KEY, StripeProcess, World, WorldError, WorldOptions, secret,
};

/// Where the examples say that the fakes are.
const CLOUDFLARE: &str = "http://127.0.0.1:8787/client/v4";
const STRIPE: &str = "http://127.0.0.1:8788";
const DNSIMPLE: &str = "http://127.0.0.1:8789/v2";
/// Where the examples say that the name server and the certificate authority are.
const NAME_SERVER: &str = "127.0.0.1:5353";
const NAME_SERVER_PORT: &str = "port: 5353";
const AUTHORITY: &str = "https://127.0.0.1:14000/dir";

/// What an example takes for granted.
#[derive(Debug, Clone, Copy)]
struct Needs {
    /// Workers that exist.
    scripts: &'static [&'static str],
    /// Pages projects that exist.
    projects: &'static [&'static str],
    /// The broker that runs a program of its own, and which one: it makes databases in a PostgreSQL.
    postgres: Option<(&'static str, &'static str)>,
    /// The zone of a name server, and a certificate authority that asks it.
    names: Option<&'static str>,
}

/// Of one example.
fn needs(example: &str) -> Result<Needs, WorldError> {
    let nothing = Needs { scripts: &[], projects: &[], postgres: None, names: None };
    match example {
        "shop-full" => Ok(Needs { scripts: &["shop"], projects: &["shop-site"], ..nothing }),
        "saas" => Ok(nothing),
        "domain" => Ok(Needs { names: Some("rehearsed-shop.com"), ..nothing }),
        "hyperdrive" => Ok(Needs { postgres: Some(("postgres", "postgres-broker")), ..nothing }),
        other => Err(WorldError::new("looking for an example", format!("there is no '{other}'"))),
    }
}

/// The examples that [`super::World::example`] can start.
pub const EXAMPLES: [&str; 4] = ["shop-full", "saas", "hyperdrive", "domain"];

/// A broker's configuration as it stands in an example.
#[derive(Debug)]
struct ExampleBroker {
    /// Its name: that of the file, without `.broker.yaml`.
    name: String,
    /// The text of the file.
    text: String,
    /// The address that it says it listens on.
    listen: String,
}

/// The folder of an example.
fn folder(example: &str) -> PathBuf {
    Binaries::workspace().join("docs/examples").join(example)
}

/// The brokers of an example, by name.
fn brokers(example: &str) -> Result<Vec<ExampleBroker>, WorldError> {
    let failed = |error: std::io::Error| WorldError::new(format!("reading docs/examples/{example}"), error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder(example)).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix(".broker.yaml") {
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            found.push(ExampleBroker { name: name.to_owned(), listen: listen(&path, &text)?, text });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn listen(path: &Path, text: &str) -> Result<String, WorldError> {
    let listen = text.lines().find_map(|line| line.strip_prefix("listen: "));
    let missing = || WorldError::new("reading an example", format!("{} has no 'listen'", path.display()));
    Ok(listen.ok_or_else(missing)?.trim().to_owned())
}

impl World {
    /// The world of an example: the vendors' fakes, and a broker for each of its files `NAME.broker.yaml`.
    ///
    /// # Errors
    /// When there is no such example, a binary cannot be built, or a process does not come up.
    pub async fn example(example: &str, options: WorldOptions) -> Result<Self, WorldError> {
        let needs = needs(example)?;
        let given =
            Given { scripts: needs.scripts, projects: needs.projects, pages_delay: options.pages_delay };
        let mut world = Self::without_brokers(options, given).await?;
        let brokers = brokers(example)?;
        if brokers.iter().any(|broker| broker.text.contains(STRIPE)) {
            let key = secret("sk_test_")?.replace('-', "");
            world.secrets.insert(STRIPE_KEY.to_owned(), key.clone());
            world.stripe = Some(StripeProcess::start(&world.binaries, world.root(), &key).await?);
        }
        if brokers.iter().any(|broker| broker.text.contains(DNSIMPLE)) {
            let token = secret("dnsimple")?;
            world.secrets.insert(DNSIMPLE_TOKEN.to_owned(), token.clone());
            world.dnsimple = Some(DnsimpleProcess::start(&world.binaries, world.root(), &token).await?);
        }
        if let Some(zone) = needs.names {
            world.names = Some(Names::start(zone).await?);
        }
        if needs.postgres.is_some() {
            let failed = |error: String| WorldError::new("starting PostgreSQL", error);
            let started = tokio::task::spawn_blocking(Cluster::start).await;
            let started = started.map_err(|error| failed(error.to_string()))?;
            world.database = Some(started.map_err(|error| failed(error.to_string()))?);
        }
        for broker in &brokers {
            world.start_as_written(broker, needs).await?;
        }
        world.write_project_of(example, &brokers)?;
        Ok(world)
    }

    /// Starts a broker of an example.
    async fn start_as_written(&mut self, broker: &ExampleBroker, needs: Needs) -> Result<(), WorldError> {
        let password = self.new_password(&broker.name)?;
        let mut text = broker.text.replace(CLOUDFLARE, self.fake.base_url());
        if let Some(stripe) = &self.stripe {
            // an account's budget is for real vendors, who count the calls of a second
            let base = format!("{}\n    calls_per_second: 1000", stripe.base_url());
            text = text.replace(STRIPE, &base);
        }
        if let Some(dnsimple) = &self.dnsimple {
            text = text.replace(DNSIMPLE, dnsimple.base_url());
        }
        if let Some(names) = &self.names {
            let address = names.bind().address();
            text = text.replace(NAME_SERVER, &address.to_string());
            text = text.replace(NAME_SERVER_PORT, &format!("port: {}", address.port()));
            text = text.replace(AUTHORITY, &names.pebble().directory());
        }
        text = text.replace(&format!("listen: {}", broker.listen), "listen: <listen>");
        let config = format!("{text}management: <management>\n{}", self.tuning());
        let mut files = vec![(format!("{}.password", broker.name), password.clone())];
        for (file, secret) in [
            ("cloudflare.token", CLOUDFLARE_TOKEN),
            ("stripe.test.key", STRIPE_KEY),
            ("dnsimple.token", DNSIMPLE_TOKEN),
        ] {
            let secret = self.secrets.get(secret).filter(|_| config.contains(file));
            files.extend(secret.map(|secret| (file.to_owned(), secret.clone())));
        }
        files.extend(self.names.iter().flat_map(Names::files));
        let program = self.program_of(&broker.name, needs);
        self.start_specified(BrokerSpec {
            name: broker.name.clone(),
            program,
            folder: self.folder_of(&broker.name),
            config,
            files,
            password,
            log_level: self.options.log_level,
        })
        .await
    }

    fn program_of(&self, broker: &str, needs: Needs) -> Program {
        let own = needs.postgres.filter(|(name, _)| *name == broker);
        let Some(((_, program), database)) = own.zip(self.database.as_ref()) else {
            let path = self.binaries.broker();
            return Program { path, kind: ProgramKind::SutlerBroker, environment: Vec::new() };
        };
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = vec![
            variable("POSTGRES_PORT", &database.port().to_string()),
            variable("POSTGRES_USER", "broker"),
            variable("POSTGRES_PASSWORD", database.password()),
            variable("POSTGRES_PUBLIC_HOST", "db.shop.example"),
        ];
        Program { path: self.binaries.program(program), kind: ProgramKind::OnTheFramework, environment }
    }

    /// Copies the configuration into `project/`, with the addresses of this world.
    fn write_project_of(&self, example: &str, brokers: &[ExampleBroker]) -> Result<(), WorldError> {
        let failed =
            |error: std::io::Error| WorldError::new(format!("copying docs/examples/{example}"), error);
        let mut text = std::fs::read_to_string(folder(example).join("sutler.yaml")).map_err(failed)?;
        for broker in brokers {
            text = text.replace(&format!("http://{}", broker.listen), &self.broker(&broker.name).url());
        }
        std::fs::create_dir_all(self.project()).map_err(failed)?;
        self.write_config(&text)
    }
}
