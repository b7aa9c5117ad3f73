//! The paths of the API: built by encoding, read by decoding exactly once (S-19, B-URL-01).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{BindingId, InstanceId};

/// Everything but the unreserved characters of RFC 3986 is encoded (P-URL-02).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a path segment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("the path holds an incomplete percent-encoding")]
    Incomplete,
    /// The decoded bytes are not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
}

/// Encodes a text so that it is one path segment or one query value, whatever it holds.
#[must_use]
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes one raw path segment, once.
///
/// # Errors
/// When an encoding is incomplete or the bytes are not UTF-8: two different paths never become one identifier.
pub fn decode_segment(raw: &str) -> Result<String, PathError> {
    let bytes = raw.as_bytes();
    let complete = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !complete {
        return Err(PathError::Incomplete);
    }
    percent_decode_str(raw).decode_utf8().map(Into::into).map_err(|_| PathError::NotUtf8)
}

/// `/v2/service_instances/:instance_id`
#[must_use]
pub fn instance_path(instance: &InstanceId) -> String {
    format!("/v2/service_instances/{}", encode_segment(instance.as_str()))
}

/// `/v2/service_instances/:instance_id/service_bindings/:binding_id`
#[must_use]
pub fn binding_path(instance: &InstanceId, binding: &BindingId) -> String {
    format!("{}/service_bindings/{}", instance_path(instance), encode_segment(binding.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back_from_a_segment_unchanged(text in any::<String>()) {
            let encoded = encode_segment(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert_eq!(decode_segment(&encoded).unwrap(), text);
        }
    }

    #[test]
    fn a_segment_is_decoded_once() {
        assert_eq!(decode_segment("a%252fb").unwrap(), "a%2fb");
        assert_eq!(decode_segment("%ff"), Err(PathError::NotUtf8));
        assert_eq!(decode_segment("%f"), Err(PathError::Incomplete));
        assert_eq!(decode_segment("50%"), Err(PathError::Incomplete));
    }
}
