//! The form of a configuration file, as a table. The reader is `file`; this tells people and editors what it takes.

/// What a value has to be.
pub(super) enum Shape {
    /// A text, and what it may look like.
    Text(Form),
    /// True or false.
    Flag,
    /// False, written down: what is only to be had so has to be asked for.
    Off,
    /// A whole number from one.
    Count,
    /// A list of texts, at least one.
    Words(Form),
    /// A map of anything.
    Anything,
    /// Anything at all.
    Value,
    /// A list of texts, or a map of anything.
    Many,
    /// A map with these keys.
    Record(Record),
    /// A text, or a map with these keys.
    TextOr(Record),
    /// A map with the keys of one of these, which its first key tells.
    Kinds(&'static [Record]),
    /// A map from names to one shape each.
    Each(Form, &'static Shape),
}

/// What a text may look like: a pattern and an example.
pub(super) struct Form {
    pub(super) pattern: Option<&'static str>,
    pub(super) example: &'static str,
}

/// The keys of a map.
pub(super) struct Record {
    pub(super) fields: &'static [Field],
    pub(super) choice: Choice,
}

/// Whether the keys exclude each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Any of them may be there.
    Any,
    /// Exactly one has to be there.
    One,
}

/// One key of a map.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Another spelling.
    pub(super) alias: Option<&'static str>,
    pub(super) presence: Presence,
    pub(super) shape: Shape,
    pub(super) about: &'static str,
}

/// Whether a key has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has to.
    Required,
    /// It may be left out.
    Optional,
}

const fn text(example: &'static str) -> Shape {
    Shape::Text(Form { pattern: None, example })
}

const fn like(pattern: &'static str, example: &'static str) -> Form {
    Form { pattern: Some(pattern), example }
}

const fn any_of(fields: &'static [Field]) -> Shape {
    Shape::Record(Record { fields, choice: Choice::Any })
}

const fn one_of(fields: &'static [Field]) -> Shape {
    Shape::Record(Record { fields, choice: Choice::One })
}

const fn text_or(fields: &'static [Field]) -> Shape {
    Shape::TextOr(Record { fields, choice: Choice::One })
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, alias: None, presence: Presence::Required, shape, about }
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, alias: None, presence: Presence::Optional, shape, about }
}

const HANDLE: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$";
const STACK: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
const VARIABLE: &str = "^[A-Z_][A-Z0-9_]{0,127}$";
const VARIABLE_NAME: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
const OUTPUT: &str = "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$";
const DURATION: &str = "^[0-9]+(ms|s|m|h)$";

/// The whole file.
pub(super) static FILE: Shape = any_of(&[
    required(
        "stack",
        Shape::Text(like(STACK, "shop")),
        "The name of this stack: one configuration in one environment.",
    ),
    required("brokers", Shape::Each(like(HANDLE, "edge"), &BROKER), "The brokers, by handle."),
    optional(
        "state",
        Shape::Text(like("^(sqlite:.+|memory:|postgres(ql)?://.+|s3://.+)$", "sqlite:.sutler/state.db")),
        "Where state lives; sqlite:.sutler/state.db when left out.",
    ),
    optional("sinks", Shape::Each(like(HANDLE, "env"), &SINK), "Where credentials land, by handle."),
    optional(
        "events",
        any_of(&[
            optional(
                "file",
                text("events.jsonl"),
                "A file that events are appended to, one JSON document on each line.",
            ),
            optional(
                "webhooks",
                Shape::Each(like(HANDLE, "audit"), &WEBHOOK),
                "Addresses that events are posted to, as CloudEvents, by handle.",
            ),
        ]),
        "Who is told what happened: every change, at least once, in order.",
    ),
    optional("instances", Shape::Each(like(HANDLE, "db"), &INSTANCE), "What is wanted, by ref."),
    optional(
        "moved",
        Shape::Each(like(HANDLE, "old-ref"), &REF),
        "What was declared under another ref before: the old one to the new one. Nothing is made or deleted.",
    ),
    optional(
        "removed",
        Shape::Words(like(HANDLE, "legacy-db")),
        "Refs that are not declared any more and are to be forgotten: what they stand for stays as it is.",
    ),
    optional(
        "variables",
        VARIABLES_SHAPE,
        "What differs from use to use, by name: \"@var.region\" for a whole value, \"${var.region}\" inside a text.",
    ),
    optional(
        "include",
        Shape::Words(Form { pattern: None, example: "databases.yaml" }),
        "Files whose brokers, sinks, instances and variables belong to this one, relative to it.",
    ),
]);

const VARIABLES_SHAPE: Shape = Shape::Each(like(VARIABLE_NAME, "region"), &INPUT);

/// The variables of a file.
pub(super) static VARIABLES: Shape = VARIABLES_SHAPE;

static INPUT: Shape = any_of(&[
    optional(
        "type",
        Shape::Text(like("^(string|number|integer|boolean|list|map|any)$", "string")),
        "What it is; string when left out.",
    ),
    optional("default", Shape::Value, "What it is when nobody says; without one, somebody has to."),
    optional("one_of", Shape::Value, "A list of everything it may be."),
    optional("description", text("Where everything is made."), "What it is for."),
    optional("secret", Shape::Flag, "Whether it is a secret: shown nowhere, for params only."),
    optional("from", SOURCE, "Where a secret comes from."),
]);

const SOURCE: Shape = one_of(&[
    optional("env", text("PAYMENT_KEY"), "The environment variable that holds it."),
    optional("file", text("payment.key"), "The file that holds it; one trailing line break is dropped."),
]);

static BROKER: Shape = any_of(&[
    required(
        "url",
        Shape::Text(like("^https?://", "https://broker.example.org")),
        "Its base address. Credentials travel over plain http to loopback only.",
    ),
    optional("auth", AUTHENTICATION, "How to authenticate; not at all when left out."),
    optional("ca", text("ca.pem"), "A file with certificates to trust instead of the system's."),
    optional("parallelism", Shape::Count, "At most so many requests at once to this broker."),
    optional("timeout", Shape::Text(like(DURATION, "60s")), "Time for one request; 60s when left out."),
    optional(
        "on_ambiguous",
        Shape::Text(like("^(resume|mitigate|pause)$", "resume")),
        "What apply does about a request of which nobody knows what became: ask for the same again (resume, when left \
         out), delete what may be there and make another (mitigate), or leave it for you to look (pause).",
    ),
]);

const AUTHENTICATION: Shape = one_of(&[
    optional(
        "basic",
        any_of(&[
            required("username", text("platform"), "The user."),
            required("password", SECRET, "Its password."),
        ]),
        "User and password.",
    ),
    optional("bearer", SECRET, "A bearer token."),
]);

const SECRET: Shape = text_or(&[
    optional("env", text("EDGE_BROKER_PASSWORD"), "The environment variable that holds it."),
    optional("file", text("broker.password"), "The file that holds it; one trailing line break is dropped."),
    optional(
        "literal",
        text("…"),
        "The secret itself, which may also stand in place of this map: for brokers on loopback only.",
    ),
]);

const fn kind(fields: &'static [Field]) -> Record {
    Record { fields, choice: Choice::Any }
}

const SEALED: Field =
    optional("sealed", Shape::Flag, "Whether values are sealed, for sutler env to open; true when left out.");
const RECIPIENT: Field = optional(
    "recipient",
    text("ops.recipient"),
    "A file with the public key to seal for, from sutler env --recipient; that of this key ring when left out.",
);
const IN_CLEAR: Field = required(
    "sealed",
    Shape::Off,
    "Has to be false: Kubernetes reads values in clear, so the file holds them in clear.",
);
const DNS: &str = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$";
const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
const BINDING_TYPE: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

static SINK: Shape = Shape::Kinds(&[
    kind(&[
        required("dotenv", text(".env"), "The dotenv file to keep."),
        SEALED,
        RECIPIENT,
        optional(
            "dialect",
            Shape::Text(like("^(dotenv|docker|shell)$", "dotenv")),
            "Who reads it: dotenv (dotenv readers and shells alike), docker (docker run --env-file), or shell.",
        ),
    ]),
    kind(&[
        required("json", text("credentials.json"), "The JSON file to keep: an object of variables."),
        SEALED,
        RECIPIENT,
    ]),
    kind(&[
        required(
            "kubernetes",
            text("secret.yaml"),
            "The manifest to keep a Secret in, as servicebinding.io has it.",
        ),
        IN_CLEAR,
        optional(
            "secret",
            Shape::Text(like(DNS, "shop-env")),
            "The Secret's name; stack-sink when left out.",
        ),
        optional("namespace", Shape::Text(like(LABEL, "production")), "The Secret's namespace."),
        optional(
            "type",
            Shape::Text(like(BINDING_TYPE, "sutler")),
            "Its binding type; sutler when left out.",
        ),
        optional(
            "provider",
            Shape::Text(like(BINDING_TYPE, "sutler")),
            "Its provider; sutler when left out.",
        ),
    ]),
    kind(&[
        required(
            "command",
            Shape::Words(Form { pattern: None, example: "./keep-secrets" }),
            "A program and its arguments; it gets what changed as JSON on its standard input.",
        ),
        optional("timeout", Shape::Text(like(DURATION, "30s")), "Time for one run; 30s when left out."),
    ]),
]);

static WEBHOOK: Shape = any_of(&[
    required(
        "url",
        Shape::Text(like("^https?://", "https://events.example.org/sutler")),
        "The address. Plain http goes to loopback only.",
    ),
    required("secret", SECRET, "What posts are signed with, as Standard Webhooks are."),
]);

pub(super) static INSTANCE: Shape = any_of(&[
    required(
        "service",
        text("cloudflare-d1"),
        "The offering's name, or broker/name when several brokers have it.",
    ),
    optional("plan", text("standard"), "The service plan's name; may be left out when there is one."),
    optional("name", text("shop-db"), "What the vendor object is called; the ref when left out."),
    optional("protected", Shape::Flag, "Never deleted or replaced unless forced."),
    optional(
        "replace",
        Shape::Text(like("^(create_first|delete_first|never)$", "create_first")),
        "How it is replaced where it cannot be changed: the new one first, then consumers move, then the old one goes \
         (create_first); the old one goes first, where names are exclusive (delete_first); or not at all (never). As the \
         catalog says, else create_first, when left out.",
    ),
    Field {
        name: "params",
        alias: Some("parameters"),
        presence: Presence::Optional,
        shape: Shape::Anything,
        about: "Parameters. \"@ref.output\" and \"${ref.output}\" refer to outputs, at any depth.",
    },
    optional("bind", Shape::Each(like(OUTPUT, "database_id"), &BOUND), "Output to environment variable."),
    optional(
        "for_each",
        Shape::Many,
        "A list of texts, or a map: one instance for each, called ref-key. \"${each.key}\" and \"@each.value\" tell them \
         apart; \"@ref[key].output\" refers to one.",
    ),
]);

static REF: Shape = Shape::Text(like(HANDLE, "db"));

static BOUND: Shape = Shape::Text(like(VARIABLE, "DATABASE_ID"));
