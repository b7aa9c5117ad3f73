//! What only looks: events, outputs, variables, the graph, catalogs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only what came after this sequence number.
    #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
    pub(crate) after: u64,
    /// Go on telling what happens until interrupted.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Count how often instances went from one status to another, instead of listing.
    #[arg(long, conflicts_with_all = ["follow", "after"])]
    pub(crate) count: bool,
    /// With --count: only within this time before now, such as 24h.
    #[arg(long, requires = "count", value_name = "DURATION")]
    pub(crate) window: Option<String>,
    /// Deliver what was not delivered yet to the file and the webhooks of the configuration, instead of listing.
    #[arg(long, conflicts_with_all = ["follow", "after", "count"])]
    pub(crate) deliver: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Outputs {
    /// Only this instance.
    #[arg(value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Show secrets in clear.
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// The sink, when several are configured.
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = EnvFormat::Dotenv)]
    pub(crate) format: EnvFormat,
    /// Print the public key that others can seal for, instead of the variables: the `recipient` of a sink.
    #[arg(long, conflicts_with_all = ["sink", "format", "command"])]
    pub(crate) recipient: bool,
    /// A command to run with the variables set, instead of printing them.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// How variables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    /// `KEY="value"` lines.
    Dotenv,
    /// One JSON object.
    Json,
    /// `export KEY='value'` lines for a POSIX shell.
    Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// How to draw.
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
    /// Where to write; standard output when left out.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree in the terminal.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// Only this broker.
    #[arg(value_name = "BROKER")]
    pub(crate) broker: Option<String>,
}
