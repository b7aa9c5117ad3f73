//! Lower-case hexadecimal, one way to write it and one way to read it.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes two lower-case digits per byte.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.chunks(32).try_for_each(|chunk| {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(chunk) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        // Digits alone are always a text.
        f.write_str(std::str::from_utf8(&text[..2 * chunk.len()]).unwrap_or_default())
    })
}

/// Reads exactly `N` bytes; upper case, signs and other lengths are refused.
pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
