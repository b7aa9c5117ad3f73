//! What the demo does, in order, and what it says about it.

use std::io::Write;
use std::process::Stdio;

use anstyle::{AnsiColor, Effects, Style};
use sutler_tests::world::{BrokerProcess, DnsimpleProcess, Names, World, WorldError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const HEADING: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);

/// Prints a paragraph.
pub(crate) fn say(text: &str) {
    // A closed standard output ends the demo's talking, not the demo.
    let _closed = writeln!(anstream::stdout(), "{text}");
}

fn heading(number: usize, text: &str) {
    say(&format!("\n{HEADING}━━ {number}. {text}{HEADING:#}"));
}

/// From nothing to a changed, checked stack.
pub(crate) async fn tell(world: &World) -> Result<(), WorldError> {
    say(&format!(
        "Two brokers and a vendor are up, each a process of its own, talking real HTTP:\n  \
         data  {}  cloudflare-d1, cloudflare-token\n  edge  {}  cloudflare-secrets, cloudflare-pages-domain\n  \
         the Cloudflare fake at {}\nThe configuration is docs/examples/shop/sutler.yaml.",
        world.broker("data").url(),
        world.broker("edge").url(),
        world.fake().base_url(),
    ));
    heading(1, "What would apply do?");
    sutler(world, &["plan"]).await?;
    heading(
        2,
        "Do it: producers first, independent branches at once, consumers when what they need is durable",
    );
    sutler(world, &["apply", "--yes"]).await?;
    heading(3, "What is there now?");
    sutler(world, &["status"]).await?;
    heading(4, "Applying again changes nothing");
    sutler(world, &["apply", "--yes"]).await?;
    heading(5, "Change one parameter: read_replication of db from disabled to auto");
    let changed = world.config()?.replace("read_replication: disabled", "read_replication: auto");
    world.write_config(&changed)?;
    sutler(world, &["plan"]).await?;
    sutler(world, &["apply", "--yes"]).await?;
    heading(6, "Who needs whom");
    sutler(world, &["graph"]).await?;
    heading(7, "What the instances yield; secrets are masked here and sealed in .env");
    sutler(world, &["outputs"]).await?;
    show_env(world)?;
    heading(8, "Configuration, state and the brokers' answers agree");
    sutler(world, &["check"]).await
}

/// The same for another example, which nothing is changed about.
pub(crate) async fn tell_example(world: &World, example: &str) -> Result<(), WorldError> {
    say(&format!(
        "Brokers and vendors are up, each a process of its own, talking real HTTP:\n{}  Cloudflare's fake at {}\n{}\
         The configuration is docs/examples/{example}/sutler.yaml; README.md beside it explains it.",
        world.brokers().map(|broker| format!("  {}  {}\n", broker.name(), broker.url())).collect::<String>(),
        world.fake().base_url(),
        others(world),
    ));
    for (number, (text, arguments)) in (1..).zip([
        ("What would apply do?", &["plan"][..]),
        ("Do it: producers first, consumers when what they need is durable", &["apply", "--yes"]),
        ("What is there now?", &["status"]),
        ("Applying again changes nothing", &["apply", "--yes"]),
        ("Who needs whom", &["graph"]),
        ("What the instances yield; secrets are masked here and sealed in .env", &["outputs"]),
        ("Configuration, state and the brokers' answers agree", &["check"]),
    ]) {
        heading(number, text);
        sutler_and_owner(world, arguments).await?;
    }
    Ok(())
}

/// Where everything is that only some examples have.
fn others(world: &World) -> String {
    let mut lines = String::new();
    if world.has_stripe() {
        lines += &format!("  Stripe's fake at {}\n", world.stripe().base_url());
    }
    if let Some(dnsimple) = world.dnsimple() {
        lines += &format!("  DNSimple's fake at {}\n", dnsimple.base_url());
    }
    if let Some(names) = world.names() {
        lines += &format!(
            "  a name server (BIND) at {}, and a certificate authority (Pebble) at {}\n",
            names.bind().address(),
            names.pebble().directory()
        );
    }
    lines
}

/// Everything deleted, and the vendors asked whether that is true.
pub(crate) async fn end(world: &World) -> Result<(), WorldError> {
    heading(9, "Take it all down, consumers first");
    sutler(world, &["teardown", "--yes"]).await?;
    let mut left = world.fake().live().await?.managed_objects();
    // a registrar deletes nothing, not even what was only rehearsed
    left.retain(|object| !object.starts_with("RehearsedRegistration"));
    let mut calls = world.fake().ledger().await?.len();
    if let Some(dnsimple) = world.dnsimple() {
        left.extend(
            dnsimple.things().await?.iter().map(|thing| format!("{} {}", thing["kind"], thing["name"])),
        );
        calls += dnsimple.ledger().await?.len();
    }
    if world.has_stripe() {
        let in_use = world.stripe().in_use().await?;
        left.extend(in_use.iter().map(|object| format!("{} {}", object["object"], object["id"])));
        calls += world.stripe().ledger().await?.len();
    }
    if left.is_empty() {
        say(&format!("\nThe vendors have nothing left of it; they were asked {calls} times in all."));
        Ok(())
    } else {
        Err(WorldError::new("looking at what is left at the vendors", left.join(", ")))
    }
}

/// What to try, once nothing is left.
pub(crate) fn what_next() {
    say("\nDone; nothing is left behind. What to try next:\n  \
         cargo demo --keep                 leave it all running and use it by hand\n  \
         cargo demo shop-full              a larger example; saas, domain and hyperdrive are others\n  \
         docs/examples/shop/sutler.yaml    the configuration you have just seen applied\n  \
         docs/adding-a-service.md          write a broker of your own, in one file\n  \
         scripts/test                      everything that CI runs");
}

/// Leaves everything running, and says how to use it and how to end it.
pub(crate) fn hand_over(world: World) {
    let stripe = if world.has_stripe() { world.stripe().id() } else { None };
    let dnsimple = world.dnsimple().and_then(DnsimpleProcess::id);
    let names = world.names().map(Names::ids).into_iter().flatten().map(Some);
    let processes =
        world.brokers().map(BrokerProcess::id).chain([world.fake().id(), stripe, dnsimple]).chain(names);
    let ids: Vec<String> = processes.flatten().map(|id| id.to_string()).collect();
    let exports: String = world
        .environment()
        .iter()
        .filter(|(name, _)| name.ends_with("_PASSWORD"))
        .map(|(name, _)| {
            let broker = name.trim_end_matches("_BROKER_PASSWORD").to_lowercase();
            format!("  export {name}=$(cat ../broker-{broker}/*.password)\n")
        })
        .collect();
    let also = world.names().into_iter().flat_map(Names::folders);
    let also: String = also.map(|folder| format!(" {}", folder.display())).collect();
    let (sutler, project) = (world.binaries().sutler(), world.project());
    let ledger = world.fake().ledger_file().to_owned();
    let folder = world.keep();
    say(&format!(
        "\n{HEADING}━━ Everything is left running{HEADING:#}\n  cd {}\n{exports}  alias sutler={}\n\n  \
         sutler status                 what is there\n  \
         sutler env                    open the sealed .env\n  \
         sutler graph --format svg -o graph.svg\n  \
         $EDITOR sutler.yaml && sutler plan && sutler apply\n  \
         tail -f {}    every call the vendor gets\n\nTo end it:\n  sutler teardown --yes; kill {}; rm -r {}{also}",
        project.display(),
        sutler.display(),
        ledger.display(),
        ids.join(" "),
        folder.display(),
    ));
}

/// Runs one command on this terminal, after showing it.
async fn sutler(world: &World, arguments: &[&str]) -> Result<(), WorldError> {
    let (step, mut command) = shown(world, arguments);
    let status = command.status().await.map_err(|error| WorldError::new(&step, error))?;
    if status.success() { Ok(()) } else { Err(WorldError::new(step, status)) }
}

/// The same where a domain has an owner: a person who reads what is asked, and does it.
async fn sutler_and_owner(world: &World, arguments: &[&str]) -> Result<(), WorldError> {
    let Some(names) = world.names() else { return sutler(world, arguments).await };
    let (step, mut command) = shown(world, arguments);
    let failed = |error: std::io::Error| WorldError::new(&step, error);
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let said = child.stderr.take().ok_or_else(|| WorldError::new(&step, "it has no standard error"))?;
    let mut lines = BufReader::new(said).lines();
    let mut is_done = false;
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        say(&line);
        if !is_done && let Some(record) = names.obey(&line).await? {
            is_done = true;
            say(&format!("(the demo is the person who is asked, and sets {record})"));
        }
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(WorldError::new(step, status)) }
}

/// Shows a command, and makes it ready.
fn shown(world: &World, arguments: &[&str]) -> (String, Command) {
    say(&format!("$ sutler {}", arguments.join(" ")));
    let mut command = Command::new(world.binaries().sutler());
    command.args(arguments).current_dir(world.project()).stdin(Stdio::null()).kill_on_drop(true);
    command.envs(world.environment()).env_remove("SUTLER_LOG");
    (format!("running sutler {}", arguments.join(" ")), command)
}

/// The dotenv file as it lies on the disk.
fn show_env(world: &World) -> Result<(), WorldError> {
    let text = std::fs::read_to_string(world.project().join(".env"))
        .map_err(|error| WorldError::new("reading .env", error))?;
    say("$ cat .env");
    for line in text.lines() {
        let shown: String = line.chars().take(100).collect();
        say(&if shown.len() < line.len() { format!("{shown}…") } else { shown });
    }
    Ok(())
}
