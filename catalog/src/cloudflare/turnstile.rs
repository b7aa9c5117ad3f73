//! `cloudflare-turnstile`: a widget that tells people from machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("c75c0687-7828-4ee3-87d0-0d24abeb10f6");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("3cb16c29-0c18-42e4-b573-9f216cb27492");
/// Its name.
pub const NAME: &str = "cloudflare-turnstile";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: what the page shows; no secret.
    pub const SITEKEY: &str = "sitekey";
    /// Credentials: what the server asks with.
    pub const SECRET: &str = "secret";
    /// Attributes: the widget's name at Cloudflare.
    pub const WIDGET_NAME: &str = "widget_name";
    /// Attributes: which secret it has, as asked for.
    pub const SECRET_VERSION: &str = "secret_version";
}

/// How a visitor meets the widget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Cloudflare decides whether a visitor has to click.
    #[default]
    Managed,
    /// Nobody has to click; the widget is seen.
    NonInteractive,
    /// The widget is not seen.
    Invisible,
}

/// What solving the widget is worth on pages that Cloudflare protects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum ClearanceLevel {
    #[default]
    NoClearance,
    #[serde(rename = "jschallenge")]
    JsChallenge,
    Managed,
    Interactive,
}

/// Where the widget works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum Region {
    World,
    China,
}

/// Parameters of a widget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "domains": ["shop.example.com"] }]))]
pub struct Parameters {
    /// The host names the widget works on, and below them, in lower case.
    #[schemars(
        length(min = 1, max = 10),
        inner(length(max = 253), regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
        extend("uniqueItems" = true, "examples" = [["shop.example.com"]])
    )]
    pub domains: Vec<String>,
    /// How visitors meet it; `managed` if left out.
    #[serde(default)]
    pub mode: Mode,
    /// What solving it is worth elsewhere; `no_clearance` if left out.
    #[serde(default)]
    pub clearance_level: ClearanceLevel,
    /// Where it works, fixed at creation; Cloudflare's default is the whole world.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub region: Option<Region>,
    /// Another number than before makes Cloudflare make a new secret; 1 if left out. Bindings made before still show
    /// the old one: bind anew, then delete them.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub secret_version: u32,
    /// Whether the old secret is accepted for two more hours when there is a new one; `true` if left out.
    #[serde(default = "yes")]
    pub keep_old_secret: bool,
}

fn first() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A widget that tells people from machines (Cloudflare Turnstile)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "A widget for web pages, and the secret by which a server asks whether a visitor has passed. The secret \
             belongs to the widget: all bindings give the same one, and deleting a binding revokes nothing. A new one \
             is made when secret_version changes. Everything but the region can be changed.",
        )
        .tags(&["cloudflare", "turnstile", "captcha"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::SITEKEY, "Names the widget on pages", Sensitivity::Public)
        .output(output::SECRET, "What the server asks with", Sensitivity::Secret)
        .output(output::WIDGET_NAME, "The widget's name at Cloudflare", Sensitivity::Public)
        .output(output::SECRET_VERSION, "Which secret it has", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Turnstile", "turnstile/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "One widget, free of charge")
        .display_name("Standard")
        .bullet("Up to 10 host names")
        .bullet("Free account: 20 widgets")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
        .bind::<NoParameters>()
}
