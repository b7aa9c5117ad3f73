//! A file of JSON Lines: appended to, flushed before the cursor moves.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::Value;

/// Appends events, one on each line; durable when it returns. What a crash left of a line is ended first, so that it
/// spoils no other.
pub(super) fn append(path: &Path, events: &[Value]) -> io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut text = String::new();
    if is_cut(&mut file)? {
        text.push('\n');
    }
    for event in events {
        text.push_str(&event.to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whether the last line has no end.
fn is_cut(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_that_a_crash_cut_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        append(&path, &[json!({ "id": 1 }), json!({ "id": 2 })]).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.truncate(text.len() - 4);
        std::fs::write(&path, &text).unwrap();
        append(&path, &[json!({ "id": 2 })]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let whole: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(whole, [json!({ "id": 1 }), json!({ "id": 2 })], "{text}");
    }
}
