//! One request head, strictly: whatever two readers could understand differently is refused (S-11, S-15).

use super::{Refusal, Rules};

/// More header fields than this are refused; the HTTP library takes no more.
const MOST_FIELDS: usize = 96;

/// The longest method; more would be no word.
const LONGEST_METHOD: usize = 32;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    Nothing,
    Bytes(u64),
    Chunks,
}

/// What the fields of a head say about its framing.
#[derive(Default)]
struct Fields {
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

/// Reads a whole head, from its first byte to the empty line.
pub(super) fn read(head: &[u8], rules: &Rules) -> Result<Follows, Refusal> {
    let mut lines = Lines { rest: head };
    let is_1_1 = request_line(lines.next()?, rules)?;
    let mut fields = Fields::default();
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            break;
        }
        fields.read(line, is_1_1)?;
    }
    if fields.hosts > 1 || (is_1_1 && fields.hosts == 0) {
        return Err(Refusal::Malformed);
    }
    match (fields.length, fields.chunked) {
        (Some(_), true) => Err(Refusal::Malformed),
        (None, true) => Ok(Follows::Chunks),
        (None | Some(0), false) => Ok(Follows::Nothing),
        (Some(length), false) => Ok(Follows::Bytes(length)),
    }
}

/// Lines that end with CR and LF; neither stands anywhere else.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a [u8], Refusal> {
        let end = memchr::memchr2(b'\r', b'\n', self.rest).ok_or(Refusal::Malformed)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\r\n").ok_or(Refusal::Malformed)?;
        Ok(line)
    }
}

/// Whether the version is 1.1.
fn request_line(line: &[u8], rules: &Rules) -> Result<bool, Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed);
    };
    let is_1_1 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return Err(Refusal::Malformed),
    };
    if !(1..=LONGEST_METHOD).contains(&method.len()) || !method.iter().all(|byte| is_token(*byte)) {
        return Err(Refusal::Malformed);
    }
    if method == b"CONNECT" {
        return Err(Refusal::Tunnel);
    }
    if target.len() > rules.target {
        return Err(Refusal::LongTarget);
    }
    let is_origin_form = target.starts_with(b"/") || target == b"*";
    if !is_origin_form || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(Refusal::Malformed);
    }
    Ok(is_1_1)
}

impl Fields {
    fn read(&mut self, line: &[u8], is_1_1: bool) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > MOST_FIELDS {
            return Err(Refusal::LargeHead);
        }
        // a line that begins with a blank continues another one in the eyes of some
        let colon = memchr::memchr(b':', line).ok_or(Refusal::Malformed)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let is_name = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
        let is_value = !value.iter().fold(false, |found, byte| found | is_control(*byte));
        if !is_name || !is_value {
            return Err(Refusal::Malformed);
        }
        self.note(name, value.trim_ascii(), is_1_1)
    }

    fn note(&mut self, name: &[u8], value: &[u8], is_1_1: bool) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return Err(Refusal::Malformed);
            }
            self.length = Some(length(value)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !is_1_1 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::Malformed);
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") && value.eq_ignore_ascii_case(b"websocket") {
            return Err(Refusal::Malformed);
        }
        Ok(())
    }
}

fn length(digits: &[u8]) -> Result<u64, Refusal> {
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed);
    }
    Ok(digits.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// What no value of a field holds.
fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Every byte of every request goes through it, so it is written out.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut position = 0;
    while position < others.len() {
        table[others[position] as usize] = true;
        position += 1;
    }
    table
};
