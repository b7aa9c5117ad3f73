//! `init`: a configuration to start from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::failure::Failure;
use crate::name::StackName;

/// What `init` wrote.
#[derive(Debug)]
pub struct Written {
    /// The lines it added to `.gitignore`.
    pub ignored: Vec<&'static str>,
}

/// What must not be committed.
const IGNORED: [&str; 2] = [".env", ".sutler/"];

/// Writes a configuration to start from, and keeps state and credentials out of git. Overwrites nothing.
///
/// # Errors
/// When the file exists, the name is not one, or the folder cannot be written.
pub fn init(path: &Path, stack: Option<&str>) -> Result<Written, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stack = match stack {
        Some(name) => StackName::new(name).map_err(|error| Failure::usage(error.to_string()))?,
        None => stack_of(folder),
    };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} exists already and was left as it is; edit it, or name another file",
            path.display()
        )),
        _ => Failure::failed(format!("could not write {}: {error}", path.display())),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(template(&stack).as_bytes()).map_err(failed)?;
    Ok(Written { ignored: ignore(folder).map_err(failed)? })
}

/// The folder's name, made into a stack's.
fn stack_of(folder: &Path) -> StackName {
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|path| path.file_name().map(|name| name.to_string_lossy().to_lowercase()));
    let clean: String = name
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(64)
        .collect();
    StackName::new(clean.trim_matches('-'))
        .unwrap_or_else(|_| StackName::new("app").expect("'app' is a name"))
}

/// Adds to `.gitignore` what is missing there.
fn ignore(folder: &Path) -> io::Result<Vec<&'static str>> {
    let path = folder.join(".gitignore");
    let present = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let missing: Vec<&str> =
        IGNORED.into_iter().filter(|line| !present.lines().any(|have| have.trim() == *line)).collect();
    if !missing.is_empty() {
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        let gap = if present.is_empty() || present.ends_with('\n') { "" } else { "\n" };
        file.write_all(format!("{gap}{}\n", missing.join("\n")).as_bytes())?;
    }
    Ok(missing)
}

fn template(stack: &StackName) -> String {
    format!(
        "\
# What this stack needs. `sutler plan` says what would be done, `sutler apply` does it.
stack: {stack}

brokers:
  edge:
    url: http://127.0.0.1:8080
    auth: {{ basic: {{ username: platform, password: {{ env: EDGE_BROKER_PASSWORD }} }} }}

state: sqlite:.sutler/state.db

sinks:
  env: {{ dotenv: .env }}                   # values are sealed; `sutler env` opens them

# variables: {{ region: {{ default: weur }} }}  # then \"@var.region\", and `sutler plan --var region=eeur`
# include: [more.yaml]                    # instances, brokers and sinks of other files
# stages/prod.yaml                        # what is different with `sutler plan --stage prod`

instances:
  db:
    service: cloudflare-d1                # `sutler catalog` lists what the brokers offer
    protected: true                       # never deleted unless forced
    bind: {{ database_id: DATABASE_ID }}    # output: variable
#  token:
#    service: cloudflare-token
#    params: {{ resources: {{ database: \"@db.database_id\" }} }}
#    bind: {{ token: DATABASE_TOKEN }}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_written_once_and_kept_out_of_nothing_it_should_not_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sutler.yaml");
        assert_eq!(init(&path, Some("shop")).unwrap().ignored, IGNORED);
        assert!(fs::read_to_string(&path).unwrap().contains("stack: shop"));
        assert!(init(&path, Some("other")).is_err());
        assert!(fs::read_to_string(&path).unwrap().contains("stack: shop"), "left as it was");
        assert_eq!(fs::read_to_string(folder.path().join(".gitignore")).unwrap(), ".env\n.sutler/\n");
    }

    #[test]
    fn the_template_loads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sutler.yaml");
        init(&path, None).unwrap();
        crate::config::load(&path).expect("the template is a good configuration");
    }
}
