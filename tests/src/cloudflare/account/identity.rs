//! New ids, new secrets and the present moment, in the vendor's forms.

use std::fmt::Write as _;

use jiff::{Timestamp, Unit};
use sha2::{Digest, Sha256};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 32 hexadecimal characters.
pub(crate) fn hexadecimal() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A random UUID.
pub(crate) fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The value of a new account token: a prefix, 40 characters, a checksum.
pub(crate) fn token_value() -> String {
    let mut random = [0_u8; 40];
    getrandom::fill(&mut random).expect("the system has random numbers");
    let secret: String = random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % 62])).collect();
    format!("cfat_{secret}{}", &digest(&secret)[..8])
}

/// The hexadecimal SHA-256 of a text.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Now, to the millisecond.
pub(crate) fn now() -> String {
    rounded(Unit::Millisecond)
}

/// Now, as precisely as the clock tells: no two things have the same.
pub(crate) fn precisely_now() -> String {
    Timestamp::now().to_string()
}

/// Now, to the second.
pub(crate) fn now_in_seconds() -> String {
    rounded(Unit::Second)
}

fn rounded(unit: Unit) -> String {
    let now = Timestamp::now();
    now.round(unit).unwrap_or(now).to_string()
}
