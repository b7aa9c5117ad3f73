//! Finding the file, reading it, and telling everything that is wrong with it at once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_saphyr::{DuplicateKeyPolicy, budget, options};

use super::{
    Choices, Config, Format, Source, check,
    compose::{self, Composed},
    file::ConfigFile,
    fit,
    problem::{At, Finding, Problems},
    tree::{self, Tree},
};

/// The names that are looked for, in this order.
pub const FILE_NAMES: [&str; 4] = ["sutler.yaml", "sutler.yml", "sutler.toml", "sutler.json"];

/// No configuration is larger; a plan of 100,000 instances takes a tenth of it.
const FILE_BYTES: u64 = 256 << 20;

/// The nearest configuration file from a folder upwards.
///
/// # Errors
/// When there is none, or more than one in the same folder.
pub fn find(start: &Path) -> Result<PathBuf, Problems> {
    for folder in start.ancestors() {
        let here: Vec<PathBuf> =
            FILE_NAMES.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
        match here.as_slice() {
            [] => {}
            [only] => return Ok(only.clone()),
            [first, second, ..] => {
                let message = format!("both {} and {} are there", first.display(), second.display());
                let help = format!("say which one: sutler -c {}", first.display());
                return Err(Problems::without_source(vec![Finding::new(message).help(help)]));
            }
        }
    }
    let message = format!("there is no {} in {} or above", FILE_NAMES.join(", "), start.display());
    let help = "write one with sutler init, or name it with -c FILE";
    Err(Problems::without_source(vec![Finding::new(message).help(help)]))
}

/// Reads and checks a file.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(path: &Path) -> Result<Config, Problems> {
    load_as(path, &Choices::default())
}

/// The same as it was chosen to be: with its stage, and with what variables are said to be.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load_as(path: &Path, choices: &Choices) -> Result<Config, Problems> {
    let source = read(path).map_err(|finding| Problems::without_source(vec![finding]))?;
    parse_as(&source, choices)
}

/// Reads and checks a text.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse(source: &Source) -> Result<Config, Problems> {
    parse_as(source, &Choices::default())
}

/// The same as it was chosen to be: with its stage, and with what variables are said to be. Other files it needs are read.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse_as(source: &Source, choices: &Choices) -> Result<Config, Problems> {
    match deserialize(source) {
        Ok(file) if file.is_composed() || !choices.is_empty() => composed(source, choices),
        Ok(file) => check::config(file, source, Default::default()).map_err(|mut findings| {
            let tree = Tree::parse(source).ok();
            findings.extend(tree.as_ref().map(fit::duplicates).unwrap_or_default());
            if findings.is_empty() {
                findings.push(Finding::new("something is declared twice"));
            }
            Problems::locate_in(findings, source, tree.as_ref())
        }),
        Err(reader) => match Tree::parse(source) {
            // What a variable says may have another form than what stands in its place.
            Ok(tree) if compose::is_composed(&tree) || !choices.is_empty() => composed(source, choices),
            Ok(tree) => Err(everything_wrong(reader, source, &tree)),
            Err(findings) => Err(Problems::locate_in(findings, source, None)),
        },
    }
}

/// A configuration that is put together first.
fn composed(source: &Source, choices: &Choices) -> Result<Config, Problems> {
    let Composed { composition, secrets, warnings } = compose::compose(source, choices)?;
    let tree = &composition.tree;
    let fit::Misfits { mut findings, nodes } = fit::misfits(tree);
    let (file, is_sound) = match findings.is_empty().then(|| tree.read::<ConfigFile>(tree.root())) {
        Some(Ok(file)) => (Some(file), true),
        Some(Err(error)) => {
            findings.push(unfit("YAML", &error.to_string()));
            (None, false)
        }
        None => (serde_json::from_value(tree.lenient(&nodes)).ok(), false),
    };
    match file.map(|file| check::config(file, source, secrets)) {
        Some(Ok(mut config)) if is_sound => {
            config.warnings.extend(warnings);
            config.composition = Some(composition.into());
            Ok(config)
        }
        Some(Err(more)) => {
            findings.extend(more);
            if findings.is_empty() {
                findings.push(Finding::new("something is declared twice"));
            }
            Err(composition.problems(findings))
        }
        _ => Err(composition.problems(findings)),
    }
}

/// Reads the text of a file.
pub(super) fn read(path: &Path) -> Result<Source, Finding> {
    let shown = path.display();
    let format = match path.extension().and_then(|ending| ending.to_str()) {
        Some("yaml" | "yml") => Format::Yaml,
        Some("toml") => Format::Toml,
        Some("json") => Format::Json,
        _ => {
            let help = "name it .yaml, .yml, .toml or .json";
            return Err(
                Finding::new(format!("{shown}: the ending does not tell how it is written")).help(help)
            );
        }
    };
    let failed = |error: std::io::Error| Finding::new(format!("could not read {shown}: {error}"));
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > FILE_BYTES {
        return Err(Finding::new(format!("{shown} has {size} bytes; {FILE_BYTES} are allowed")));
    }
    let mut text = String::from_utf8(fs::read(path).map_err(failed)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        Finding::new(format!("{shown}:{line}: this is not UTF-8")).help("save the file as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(Source { path: path.to_owned(), text: Arc::from(text), format })
}

/// What the readers say, as a finding that never quotes a value.
fn deserialize(source: &Source) -> Result<ConfigFile, Finding> {
    match source.format {
        Format::Yaml => serde_saphyr::from_str_with_options(&source.text, yaml_options()).map_err(|error| {
            let error = error.without_snippet();
            let span = error.location().map(|location| location.span());
            let start = span.and_then(|span| span.byte_offset()).unwrap_or_default() as usize;
            let length = span.and_then(|span| span.byte_len()).unwrap_or_default() as usize;
            let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            unfit("YAML", &message).at(At::Span(start..start + length)).label("here")
        }),
        Format::Toml => toml::from_str(&source.text).map_err(|error| {
            unfit("TOML", error.message()).at(At::Span(error.span().unwrap_or_default())).label("here")
        }),
        Format::Json => serde_json::from_str(&source.text).map_err(|error| {
            let place = tree::json_error(&source.text, &error);
            Finding { message: unfit("JSON", &error.to_string()).message, ..place }
        }),
    }
}

/// Bounds that a file of 100,000 instances keeps and a bomb does not.
fn yaml_options() -> serde_saphyr::Options {
    options! {
        budget: budget! {
            max_reader_input_bytes: Some(FILE_BYTES as usize),
            max_events: 40_000_000,
            max_nodes: 20_000_000,
            max_depth: 64,
            max_documents: 2,
            max_total_scalar_bytes: FILE_BYTES as usize,
            max_total_comment_bytes: FILE_BYTES as usize,
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// serde quotes values that do not fit; those may be secrets.
fn unfit(format: &str, message: &str) -> Finding {
    let message = message.lines().next().unwrap_or_default();
    let message = message.split(" at line ").next().unwrap_or_default().trim_end();
    let quotes = message.contains("invalid type") || message.contains("invalid value");
    match (quotes, message) {
        (true, _) | (_, "") => Finding::new("this does not have the form that is expected here"),
        (false, message) => {
            Finding::new(format!("this is not valid {format} for a configuration: {message}"))
        }
    }
}

/// The readers stop at the first problem. This goes on: syntax, else shape, and what can be checked of the rest.
fn everything_wrong(reader: Finding, source: &Source, tree: &Tree) -> Problems {
    let fit::Misfits { mut findings, nodes } = fit::misfits(tree);
    if findings.is_empty() {
        findings.push(reader);
    } else if let Ok(file) = serde_json::from_value(tree.lenient(&nodes)) {
        let checked = check::config(file, source, Default::default());
        findings.extend(checked.err().unwrap_or_default());
    }
    Problems::locate_in(findings, source, Some(tree))
}
