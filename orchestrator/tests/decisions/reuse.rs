//! One configuration for many uses: stages, variables, includes, instances that are repeated.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use sutler::config::{Choices, Config, Problems, SinkKind, StateUrl, load_as};
use sutler::plan::{Action, Options};

use crate::shop::{HEAD, action, actions, because, shown};
use crate::world::World;

/// Files in a folder of their own; the first one is the configuration.
struct Folder {
    folder: tempfile::TempDir,
    main: PathBuf,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let main = folder.path().join(files[0].0);
        Self { folder, main }
    }

    fn one(instances: &str) -> Self {
        Self::new(&[("sutler.yaml", &format!("{HEAD}{instances}"))])
    }

    fn load(&self, choices: &Choices) -> Result<Config, Problems> {
        load_as(&self.main, choices)
    }

    fn config(&self) -> Config {
        self.chosen(&Choices::default())
    }

    fn chosen(&self, choices: &Choices) -> Config {
        self.load(choices).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// What is wrong, with paths as seen from the folder.
    fn refused(&self, choices: &Choices) -> String {
        let problems = self.load(choices).expect_err("refused");
        for problem in &problems.list {
            if let Some(place) = &problem.place {
                let text = problems.text_of(place).expect("the text of the place");
                assert!(text.get(place.span.clone()).is_some(), "{place} is in its file");
            }
        }
        problems.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn stage(name: &str) -> Choices {
    Choices { stage: Some(name.to_owned()), ..Choices::default() }
}

fn said(variables: &[&str]) -> Choices {
    Choices { variables: variables.iter().map(|text| (*text).to_owned()).collect(), ..Choices::default() }
}

const BASE: &str = "stack: shop\nbrokers: { edge: { url: 'http://127.0.0.1:1' } }\n\
    sinks: { env: { dotenv: .env } }\ninstances:\n  db:\n    service: d1\n    params: { hint: weur, tags: [a, b] }\n  \
    extra: { service: d1 }\n";

#[test]
fn a_stage_merges_maps_at_any_depth_replaces_lists_and_removes_with_null() {
    let overlay = "brokers: { edge: { url: 'https://edge.example' } }\nsinks: { env: { dotenv: .env.prod } }\n\
                   instances:\n  db: { protected: true, params: { tags: [c], size: 2 } }\n  extra: null\n";
    let folder = Folder::new(&[("sutler.yaml", BASE), ("stages/prod.yaml", overlay)]);
    let config = folder.chosen(&stage("prod"));
    assert_eq!(config.brokers["edge"].url.as_str(), "https://edge.example/");
    let refs: Vec<_> = config.instances.keys().map(ToString::to_string).collect();
    assert_eq!(refs, ["db"]);
    assert!(config.instances["db"].protected);
    assert_eq!(config.instances["db"].parameters, json!({ "hint": "weur", "tags": ["c"], "size": 2 }));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let without = folder.config();
    assert!(!without.instances["db"].protected);
    assert_eq!(without.instances.len(), 2);
}

#[test]
fn no_two_stages_share_a_state_by_accident() {
    let folder = Folder::new(&[
        ("sutler.yaml", BASE),
        ("stages/prod.yaml", ""),
        ("stages/test.toml", "state = 'sqlite:elsewhere.db'\nstack = 'trial'\n"),
        ("stages/same.json", r#"{ "stack": "shop" }"#),
        ("stages/empty.yaml", "state:\nsinks:\ninstances:\n  db:\n  # nothing yet\n"),
    ]);
    let at = |name: &str| StateUrl::Sqlite(folder.folder.path().join(name));
    let (plain, prod, test) = (folder.config(), folder.chosen(&stage("prod")), folder.chosen(&stage("test")));
    assert_eq!((plain.stack.as_str(), &plain.state), ("shop", &at(".sutler/state.db")));
    assert_eq!((prod.stack.as_str(), &prod.state), ("shop-prod", &at(".sutler/prod.db")));
    assert_eq!((test.stack.as_str(), &test.state), ("trial", &at("elsewhere.db")));
    let empty = folder.chosen(&stage("empty"));
    assert_eq!(
        (&empty.state, empty.instances.len()),
        (&at(".sutler/empty.db"), 2),
        "nothing removes nothing"
    );
    fs::write(&folder.main, format!("{BASE}state: sqlite:.sutler/here.db\n")).unwrap();
    assert_eq!(folder.chosen(&stage("empty")).state, at(".sutler/here-empty.db"));
    fs::write(folder.folder.path().join("stages/empty.yaml"), "state: null\n").unwrap();
    assert_eq!(folder.chosen(&stage("empty")).state, at(".sutler/empty.db"), "and null is no place");
    fs::write(&folder.main, format!("{BASE}state:\n")).unwrap();
    fs::write(folder.folder.path().join("stages/empty.yaml"), "").unwrap();
    assert_eq!(folder.chosen(&stage("empty")).state, at(".sutler/empty.db"), "nor is nothing");
    let warned = prod.warnings.join("\n");
    assert!(
        warned.contains("sink 'env' keeps the same file with and without the stage 'prod': .env"),
        "{warned}"
    );
    let same = folder.refused(&stage("same"));
    assert!(same.starts_with("stages/same.json:1:3: a stage cannot have the name of the stack"), "{same}");
}

#[test]
fn what_is_wrong_with_a_stage_is_told_in_its_own_file() {
    let overlay = "instances:\n  db:\n    protcted: true\n    params: { hint: '@bd.x' }\n  gone: null\n";
    let folder =
        Folder::new(&[("sutler.yaml", BASE), ("stages/prod.yaml", overlay), ("stages/other.yaml", "- a\n")]);
    let shown = folder.refused(&stage("prod"));
    assert!(shown.contains("stages/prod.yaml:5:3: there is no 'gone' to remove"), "{shown}");
    let fixed = overlay.replace("  gone: null\n", "");
    fs::write(folder.folder.path().join("stages/prod.yaml"), fixed).unwrap();
    let shown = folder.refused(&stage("prod"));
    assert!(shown.contains("stages/prod.yaml:3:5: unknown key 'protcted' in instances.db"), "{shown}");
    assert!(shown.contains("stages/prod.yaml:4:23: db refers to 'bd', which is not declared"), "{shown}");
    let shown = folder.refused(&stage("prd"));
    assert!(shown.contains("there is no stage 'prd'") && shown.contains("did you mean 'prod'?"), "{shown}");
    assert!(folder.refused(&stage("other")).starts_with("stages/other.yaml:1:1: a stage is a map"));
    assert!(folder.refused(&stage("../x")).contains("cannot be the name of a stage"));
}

const VARIABLES: &str = "variables:\n  region: { default: weur, one_of: [weur, eeur] }\n  count: { type: integer, default: 2 }\n  \
    on: { type: boolean, default: false }\n  tags: { type: list, default: ['@x.y', { '${a.b}': '${a.b}' }] }\n  \
    size: { type: number }\n";

#[test]
fn variables_keep_their_type_and_never_become_references() {
    let text = format!(
        "{HEAD}  db:\n    service: d1\n    name: db-${{var.region}}-$${{var.region}}\n    protected: '@var.on'\n    params: \
         {{ hint: '@var.region', n: '@var.count', tags: '@var.tags', t: 'n=${{var.count}} $$$${{x}} @', w: '${{var.odd}}' }}\n  \
         token: {{ service: token, params: {{ resources: {{ database: '@db.database_id', v: '$$${{db.id}} ${{var.odd}}' }} }} }}\n\
         {VARIABLES}  odd: {{ default: '@db.x ${{db.y}}' }}\n"
    );
    let folder = Folder::new(&[("sutler.yaml", &text)]);
    let config = folder.config();
    let db = &config.instances["db"];
    assert_eq!(db.name, "db-weur-${var.region}");
    assert!(!db.protected);
    assert_eq!(
        db.parameters,
        json!({ "hint": "weur", "n": 2, "tags": ["@@x.y", { "${a.b}": "$${a.b}" }], "t": "n=2 $$$${x} @", "w": "@@db.x $${db.y}" })
    );
    assert!(db.uses.is_empty(), "{:?}", db.uses);
    let uses: Vec<_> = config.instances["token"].uses.iter().map(|used| used.pointer.as_str()).collect();
    assert_eq!(uses, ["/resources/database", "/resources/v"]);
    let resolved =
        sutler::reference::resolve(&config.instances["token"].parameters, |_, key| Some(json!(key)));
    assert_eq!(resolved.unwrap()["resources"]["v"], "$id @db.x ${db.y}");
    let other = folder.chosen(&said(&["region=eeur", "on=true"]));
    assert_eq!(
        (other.instances["db"].name.as_str(), other.instances["db"].protected),
        ("db-eeur-${var.region}", true)
    );
}

#[test]
fn what_is_said_of_variables_is_checked_against_type_and_choice() {
    let text = format!("{HEAD}  db: {{ service: d1, params: {{ n: '@var.size' }} }}\n{VARIABLES}");
    let folder = Folder::new(&[
        ("sutler.yaml", &text),
        ("small.yaml", "size: 1\nregion: eeur\n"),
        ("bad.json", r#"{"size": "x"}"#),
    ]);
    let unsaid = folder.refused(&Choices::default());
    assert!(unsaid.contains("sutler.yaml:5:35: nobody says what the variable 'size' is"), "{unsaid}");
    assert!(unsaid.contains("--var size=VALUE"), "{unsaid}");
    let file = |name: &str, variables: &[&str]| Choices {
        variable_files: vec![folder.folder.path().join(name)],
        ..said(variables)
    };
    assert_eq!(folder.chosen(&file("small.yaml", &[])).instances["db"].parameters, json!({ "n": 1 }));
    assert_eq!(
        folder.chosen(&file("small.yaml", &["size=2.5"])).instances["db"].parameters,
        json!({ "n": 2.5 })
    );
    for (choices, expected) in [
        (said(&["size=big"]), "variable 'size' has to be a number"),
        (said(&["size=1", "count=1.5"]), "variable 'count' has to be a whole number"),
        (said(&["size=1", "on=yes"]), "variable 'on' has to be true or false"),
        (said(&["size=1", "tags={}"]), "variable 'tags' has to be a list"),
        (said(&["size=1", "region=apac"]), "it may be: weur, eeur"),
        (said(&["size=1", "regoin=eeur"]), "did you mean 'region'?"),
        (said(&["size"]), "--var says no value"),
        (file("bad.json", &[]), "bad.json:1:2: variable 'size' has to be a number"),
        (file("none.yaml", &[]), "could not read none.yaml"),
    ] {
        let shown = folder.refused(&choices);
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn wrong_variables_are_told_with_their_places() {
    let text = format!(
        "{HEAD}  db: {{ service: d1, name: '@var.nmae', params: {{ a: '${{var.list}}', b: '@var.deep.x' }} }}\nvariables:\n  \
         name: {{ default: x }}\n  list: {{ type: list, default: [] }}\n  deep: {{ type: map, default: {{}} }}\n"
    );
    let shown = Folder::new(&[("sutler.yaml", &text)]).refused(&Choices::default());
    for expected in [
        "sutler.yaml:5:28: there is no variable 'nmae'\n    help: did you mean 'name'?",
        "var.list is a list, which cannot stand inside a text",
        "var.deep holds nothing at 'x'",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let wrong = "variables:\n  1x: {}\n  a: { type: text }\n  b: { type: integer, default: x }\n  c: { from: { env: X } }\n  \
                 d: { secret: true }\n  e: { secret: true, from: { env: X }, default: hunter2 }\n  f: { one_of: [] }\n  g: { defualt: 1 }\n";
    let told =
        |text: &str| Folder::new(&[("sutler.yaml", &format!("{BASE}{text}"))]).refused(&Choices::default());
    assert!(told(wrong).contains("unknown key 'defualt' in variables.g"), "{}", told(wrong));
    let shown = told(&wrong.replace("  g: { defualt: 1 }\n", ""));
    for expected in [
        "'1x' cannot be the name of a variable",
        "variable 'a': there is no such type",
        "variable 'b' has to be a whole number",
        "variable 'c': only a secret comes from somewhere",
        "variable 'd': it does not say where the secret comes from",
        "variable 'e': a secret is never written in the file",
        "variable 'f': one_of is a list",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
    let plain = Folder::one("  db: { service: d1, params: { a: '@var.region', b: '${each.key}' } }\n")
        .refused(&Choices::default());
    assert!(plain.contains("db uses the variable 'region', which is not declared"), "{plain}");
    assert!(plain.contains("'each' means something only in an instance with for_each"), "{plain}");
    let reserved = Folder::one("  var: { service: d1 }\n").refused(&Choices::default());
    assert!(reserved.contains("sutler.yaml:5:3: no instance can be called 'var'"), "{reserved}");
}

const SECRET: &str = "  worker: { service: secrets, params: { script: s, secrets: { KEY: '@var.key', URL: 'https://x?${var.key}' } } }\n\
    variables:\n  key: { secret: true, from: { file: pay.key } }\n";

#[test]
fn a_secret_variable_changes_its_consumer_and_is_seen_nowhere() {
    let folder = Folder::new(&[("sutler.yaml", &format!("{HEAD}{SECRET}")), ("pay.key", "hunter2\n")]);
    let mut world = World::new();
    let config = folder.config();
    let first = world.plan(&config, Options::default()).unwrap();
    assert_eq!(actions(&first), [("worker", Action::Create)]);
    world.apply(&config);
    assert_eq!(
        actions(&world.plan(&folder.config(), Options::default()).unwrap()),
        [("worker", Action::Keep)]
    );
    fs::write(folder.folder.path().join("pay.key"), "hunter3\n").unwrap();
    let changed = folder.config();
    let plan = world.plan(&changed, Options::default()).unwrap();
    assert_ne!(action(&plan, "worker"), Action::Keep);
    assert!(because(&plan, "worker").contains("secrets"), "{}", because(&plan, "worker"));
    for text in [shown(&first), shown(&plan), format!("{config:?}{changed:?}"), format!("{plan:?}")] {
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn a_secret_variable_that_is_not_there_stops_only_who_needs_it() {
    let db = "  db: { service: d1 }\n";
    let folder = Folder::new(&[("sutler.yaml", &format!("{HEAD}{db}{SECRET}"))]);
    let config = folder.config();
    let world = World::new();
    let problems = world.plan(&config, Options::default()).unwrap_err().to_string();
    assert!(
        problems.contains("sutler.yaml:6:68: worker needs the variable 'key', and the secret in"),
        "{problems}"
    );
    let only_db = Options { targets: vec![crate::world::reference("db")], ..Options::default() };
    assert_eq!(actions(&world.plan(&config, only_db).unwrap()), [("db", Action::Create)]);
    let veiled = |choices: &Choices| {
        let problems = folder.load(choices).unwrap_err();
        assert!(!problems.texts.iter().any(|(_, text)| text.contains("hunter2")), "{:?}", problems.texts);
        problems.to_string()
    };
    let file = folder.folder.path().join("said.yaml");
    fs::write(&file, "key: hunter2\n").unwrap();
    let told = veiled(&Choices { variable_files: vec![file], ..Choices::default() });
    assert!(told.contains("said.yaml:1:1: variable 'key': a secret is not said in a file"), "{told}");
    let text = fs::read_to_string(&folder.main).unwrap();
    fs::write(&folder.main, text.replace("secret: true,", "secret: true, default: hunter2,")).unwrap();
    assert!(veiled(&Choices::default()).contains("a secret is never written in the file"));
    fs::write(&folder.main, text).unwrap();
    let told = folder.refused(&said(&["key=hunter2"]));
    assert!(told.contains("a secret is never said on a command line"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    let elsewhere =
        format!("{HEAD}{}", SECRET.replace("service: secrets", "service: secrets, name: 'n-${var.key}'"));
    let told = Folder::new(&[("sutler.yaml", &elsewhere)]).refused(&Choices::default());
    assert!(told.contains("the variable 'key' is a secret, and secrets are for params only"), "{told}");
}

#[test]
fn includes_are_seen_from_where_they_stand() {
    let main = "stack: shop\ninclude: [parts/brokers.yaml]\ninstances:\n  db: { service: d1 }\n";
    let brokers = "include: [more/data.toml]\nbrokers:\n  edge: { url: 'https://edge', ca: ca.pem, auth: { bearer: { file: t } } }\n\
                   sinks: { env: { dotenv: ../.env } }\n";
    let data = "[instances.cache]\nservice = 'kv'\nparams = { db = '@db.database_id' }\n[sinks.app]\njson = 'app.json'\n";
    let folder = Folder::new(&[
        ("sutler.yaml", main),
        ("parts/brokers.yaml", brokers),
        ("parts/more/data.toml", data),
    ]);
    let config = folder.config();
    let at = |name: &str| folder.folder.path().join(name);
    assert_eq!(config.brokers["edge"].certificate_authority, Some(at("parts/ca.pem")));
    let paths: Vec<_> = config.sinks.iter().filter_map(|sink| sink.kind.path()).collect();
    assert_eq!(paths, [at("parts/../.env"), at("parts/more/app.json")]);
    assert!(matches!(config.sinks[1].kind, SinkKind::Json { .. }));
    let refs: Vec<_> = config.instances.keys().map(ToString::to_string).collect();
    assert_eq!(refs, ["db", "cache"]);
    assert_eq!(config.graph.needs(1), [0]);
}

#[test]
fn wrong_includes_are_told_with_both_places() {
    let main = "stack: shop\nbrokers: { edge: { url: 'https://edge' } }\ninclude: [a.yaml, sub/b.yaml]\ninstances:\n  db: { service: d1 }\n";
    let refused = |files: &[(&str, &str)]| {
        let files: Vec<_> = std::iter::once(("sutler.yaml", main)).chain(files.iter().copied()).collect();
        Folder::new(&files).refused(&Choices::default())
    };
    let shown =
        refused(&[("a.yaml", "instances: { db: { service: d1 } }\n"), ("sub/b.yaml", "stack: other\n")]);
    assert!(
        shown.contains("a.yaml:1:14: 'db' is declared twice\n    sutler.yaml:5:3: first here"),
        "{shown}"
    );
    assert!(shown.contains("sub/b.yaml:1:1: an included file cannot say 'stack'"), "{shown}");
    let shown = refused(&[("a.yaml", "include: [sub/b.yaml]\n"), ("sub/b.yaml", "include: [../a.yaml]\n")]);
    assert!(
        shown.contains("sub/b.yaml:1:11: these files include each other: a.yaml → sub/b.yaml → a.yaml"),
        "{shown}"
    );
    assert!(shown.contains("sub/b.yaml is included twice"), "{shown}");
    let shown = refused(&[("a.yaml", "instances: {}\n")]);
    assert!(shown.contains("sutler.yaml:3:19: could not read sub/b.yaml"), "{shown}");
    let shown =
        refused(&[("a.yaml", "instances: { x: { service: d1, plna: p } }\n"), ("sub/b.yaml", "a: [\n")]);
    assert!(shown.contains("sub/b.yaml:1:4: this is not valid YAML"), "{shown}");
}

const SITES: &str = "  site:\n    service: d1\n    for_each: { a: { hint: weur }, b: { hint: eeur } }\n    name: site-${each.key}\n    \
    params: { hint: '@each.value.hint' }\n    bind: { database_id: 'SITE_${each.variable}' }\n  token:\n    service: token\n    \
    for_each: [b, a]\n    params: { resources: { database: '@site[each.key].database_id' } }\n";

#[test]
fn an_instance_is_repeated_for_each_of_a_list_or_a_map() {
    let one = "  last: { service: token, params: { resources: { database: '@site[b].database_id', t: 'x${site-a.id}' } } }\n";
    let folder = Folder::one(&format!("{SITES}{one}"));
    let config = folder.config();
    let refs: Vec<_> = config.instances.keys().map(ToString::to_string).collect();
    assert_eq!(refs, ["site-a", "site-b", "token-b", "token-a", "last"]);
    assert_eq!(config.instances["site-b"].parameters, json!({ "hint": "eeur" }));
    assert_eq!(config.instances["site-b"].name, "site-b");
    assert_eq!(config.instances["site-a"].bind["database_id"].as_str(), "SITE_A");
    assert_eq!(
        (config.graph.needs(2), config.graph.needs(3), config.graph.needs(4)),
        (&[1][..], &[0][..], &[0, 1][..])
    );
}

#[test]
fn another_order_of_what_an_instance_is_repeated_for_changes_nothing() {
    let mut world = World::new();
    world.apply(&Folder::one(SITES).config());
    let other = SITES
        .replace("[b, a]", "[a, b]")
        .replace("{ a: { hint: weur }, b: { hint: eeur } }", "{ b: { hint: eeur }, a: { hint: weur } }");
    let plan = world.plan(&Folder::one(&other).config(), Options::default()).unwrap();
    assert!(!plan.changes_anything(), "{}", shown(&plan));
    let fewer = other.replace("[a, b]", "[a]");
    let plan = world.plan(&Folder::one(&fewer).config(), Options::default()).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("token-b")), "{:?}", plan.warnings);
    assert!(!plan.changes_anything(), "{}", shown(&plan));
}

#[test]
fn a_variable_says_what_to_repeat_for() {
    let text = "  site: { service: d1, for_each: '@var.sites', params: { hint: '${each.value}' } }\n  \
                one: { service: token, params: { resources: { database: '@site[var.main].database_id' } } }\n\
                variables:\n  sites: { type: list, default: [x] }\n  main: { default: x }\n";
    let folder = Folder::one(text);
    assert_eq!(folder.config().instances.len(), 2);
    let config = folder.chosen(&said(&[r#"sites=["p","q"]"#, "main=q"]));
    let refs: Vec<_> = config.instances.keys().map(ToString::to_string).collect();
    assert_eq!(refs, ["site-p", "site-q", "one"]);
    assert_eq!(config.graph.needs(2), [1]);
    let none = folder.refused(&said(&["sites=[]"]));
    assert!(none.contains("there is no site[x]"), "{none}");
}

#[test]
fn wrong_repetitions_are_told_with_their_places() {
    for (instances, expected) in [
        ("  s: { service: d1, for_each: [a, a] }\n", "sutler.yaml:5:21: s: it is repeated for 'a' twice"),
        ("  s: { service: d1, for_each: ['a b'] }\n", "'a b' cannot be part of a ref"),
        ("  s: { service: d1, for_each: 5 }\n", "for_each is neither a list nor a map"),
        ("  s: { service: d1, for_each: [{ a: 1 }] }\n", "a list to repeat it for holds texts only"),
        (
            "  s: { service: d1, for_each: [a] }\n  s-a: { service: d1 }\n",
            "sutler.yaml:6:3: 's-a' is declared twice\n    sutler.yaml:5:3: first here",
        ),
        (
            "  s: { service: d1, for_each: [ab, b] }\n  t: { service: token, params: { resources: { a: '@s.id' } } }\n",
            "sutler.yaml:6:50: there is one 's' for each of ab, b\n    help: say which: s[KEY].id",
        ),
        (
            "  s: { service: d1, for_each: [abc] }\n  t: { service: token, params: { resources: { a: '@s[abd].id' } } }\n",
            "there is no s[abd]\n    help: did you mean s[abc]?",
        ),
        (
            "  s: { service: d1 }\n  u: { service: d1, for_each: [x], params: { hint: '@s[each.key].id' } }\n",
            "'s' is not repeated: it has no for_each",
        ),
        (
            "  s: { service: d1, for_each: [a], params: { hint: '@each.index' } }\n",
            "there is no 'each.index'",
        ),
    ] {
        let shown = Folder::one(instances).refused(&Choices::default());
        assert!(shown.contains(expected), "{instances}{shown}");
    }
}

#[test]
fn a_saved_plan_can_tell_whether_anything_that_was_written_changed() {
    let folder = Folder::new(&[("sutler.yaml", BASE), ("stages/prod.yaml", "instances: { extra: null }\n")]);
    let (plain, prod) =
        (folder.config().written().into_owned(), folder.chosen(&stage("prod")).written().into_owned());
    assert_ne!(plain, prod);
    assert_eq!(prod, folder.chosen(&stage("prod")).written().into_owned());
    fs::write(folder.folder.path().join("stages/prod.yaml"), "instances: { extra: { plan: standard } }\n")
        .unwrap();
    assert_ne!(prod, folder.chosen(&stage("prod")).written().into_owned());
}
