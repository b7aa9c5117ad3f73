//! A sealed value opens with its key, at its place, unchanged, and in no other way.

use proptest::{collection::vec, prelude::*};
use serde_json::json;
use sutler_secrets::{KeyRing, OpenError, Place, Sealed};

use crate::now;

fn place_of(parts: &[Vec<u8>]) -> Place {
    parts[1..].iter().fold(Place::new(&parts[0]), Place::with)
}

fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // few letters and many lengths, so that concatenations collide where lengths would not keep them apart
    vec(vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0)], 0..4), 1..5)
}

proptest! {
    #[test]
    fn what_was_sealed_opens_at_its_place(parts in parts(), plaintext in vec(any::<u8>(), 0..300)) {
        let ring = KeyRing::generate(now());
        let sealed = ring.seal(&place_of(&parts), &plaintext);
        let again = Sealed::from_text(&sealed.to_text()).unwrap();
        prop_assert_eq!(&again, &sealed);
        prop_assert_eq!(Sealed::from_bytes(sealed.as_bytes()).unwrap(), sealed);
        prop_assert_eq!(again.key_id(), ring.current());
        prop_assert_eq!(ring.open(&place_of(&parts), &again).unwrap().into_inner(), plaintext);
    }

    #[test]
    fn what_was_moved_never_opens(sealed_at in parts(), moved_to in parts()) {
        prop_assume!(sealed_at != moved_to);
        let ring = KeyRing::generate(now());
        let sealed = ring.seal(&place_of(&sealed_at), b"secret");
        let opened = ring.open(&place_of(&moved_to), &sealed).map(|_| ());
        prop_assert_eq!(opened, Err(OpenError::Damaged));
    }
}

#[test]
fn with_any_bit_flipped_it_never_opens() {
    let ring = KeyRing::generate(now());
    let place = Place::new("instance").with("8d1f").with("parameters");
    let sealed = ring.seal(&place, b"a secret of some length");
    for bit in 0..8 * sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = Sealed::from_bytes(bytes).and_then(|flipped| ring.open(&place, &flipped));
        assert!(opened.is_err(), "bit {bit}");
    }
    let text = sealed.to_text();
    for bit in 0..8 * text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(bytes) else { continue };
        let opened = Sealed::from_text(&flipped).and_then(|flipped| ring.open(&place, &flipped));
        assert!(opened.is_err(), "bit {bit} of the text");
    }
}

#[test]
fn cut_short_or_prolonged_it_never_opens() {
    let ring = KeyRing::generate(now());
    let place = Place::new("instance");
    let bytes = ring.seal(&place, b"secret").as_bytes().to_vec();
    for length in 0..bytes.len() {
        let opened = Sealed::from_bytes(&bytes[..length]).and_then(|cut| ring.open(&place, &cut));
        assert!(opened.is_err(), "{length}");
    }
    let longer = Sealed::from_bytes([bytes, vec![0]].concat()).unwrap();
    assert_eq!(ring.open(&place, &longer).unwrap_err(), OpenError::Damaged);
}

#[test]
fn sealing_the_same_twice_gives_two_ciphertexts() {
    let ring = KeyRing::generate(now());
    let place = Place::new("instance");
    assert_ne!(ring.seal(&place, b"secret"), ring.seal(&place, b"secret"));
    assert!(!ring.seal(&place, b"secret").as_bytes().windows(6).any(|bytes| bytes == b"secret"));
}

/// A counter would need to be kept by all processes together; 192 random bits need nothing, for more values than anybody
/// will ever seal.
#[test]
fn s_33_every_value_has_192_fresh_random_bits() {
    const AT: std::ops::Range<usize> = 5..29;
    let ring = KeyRing::generate(now());
    let (place, count) = (Place::new("instance"), 4_000);
    let nonces: std::collections::HashSet<Vec<u8>> =
        (0..count).map(|_| ring.seal(&place, b"").as_bytes()[AT].to_vec()).collect();
    assert_eq!(nonces.len(), count, "no two are the same");
    for bit in 0..192 {
        let ones = nonces.iter().filter(|nonce| nonce[bit / 8] >> (bit % 8) & 1 == 1).count();
        // 14 standard deviations
        assert!((count * 39 / 100..count * 61 / 100).contains(&ones), "bit {bit}: {ones} of {count}");
    }
    let mut bytes = ring.seal(&place, b"secret").as_bytes().to_vec();
    bytes[AT.end - 1] ^= 1;
    let opened = Sealed::from_bytes(bytes).and_then(|other| ring.open(&place, &other));
    assert_eq!(opened.unwrap_err(), OpenError::Damaged, "these are the bits that it is sealed with");
}

#[test]
fn a_ring_without_the_key_names_the_key() {
    let (ring, other) = (KeyRing::generate(now()), KeyRing::generate(now()));
    let place = Place::new("instance");
    let error = other.open(&place, &ring.seal(&place, b"secret")).unwrap_err();
    assert_eq!(error, OpenError::UnknownKey { id: ring.current() });
    assert!(error.to_string().contains(&ring.current().to_string()), "{error}");
}

#[test]
fn malformed_and_newer_are_told_apart() {
    for text in [
        "",
        "sutler:",
        "sutler:v1",
        "sutler:v1:",
        "sutler:v01:AAAA",
        "sutler:v:AAAA",
        "v1:AAAA",
        "sutler:v1:%",
    ] {
        assert_eq!(Sealed::from_text(text), Err(OpenError::Malformed), "{text}");
    }
    assert_eq!(Sealed::from_text("sutler:v2:whatever"), Err(OpenError::NewerFormat { found: 2 }));
    assert_eq!(Sealed::from_bytes([2, 0, 0]), Err(OpenError::NewerFormat { found: 2 }));
    assert_eq!(Sealed::from_bytes([0; 100]), Err(OpenError::Malformed));
}

#[test]
fn serde_uses_the_text_form() {
    let ring = KeyRing::generate(now());
    let sealed = ring.seal(&Place::new("instance"), b"secret");
    let text = serde_json::to_string(&sealed).unwrap();
    assert!(text.starts_with("\"sutler:v1:"), "{text}");
    assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
    assert!(
        serde_json::from_str::<Sealed>("\"secret\"").unwrap_err().to_string().contains("not a sealed value")
    );
}

#[test]
fn json_comes_back_as_it_was() {
    let ring = KeyRing::generate(now());
    let place = Place::new("instance");
    let value = json!({ "z": "last first", "a": [1, 2.5, null, { "é": true }] });
    let sealed = ring.seal_json(&place, &value);
    let opened = ring.open_json(&place, &sealed).unwrap();
    assert_eq!(opened.expose().to_string(), value.to_string(), "members keep their order");
    let not_json = ring.seal(&place, b"{");
    assert_eq!(ring.open_json(&place, &not_json).unwrap_err(), OpenError::NotJson);
}

#[test]
fn a_canary_tells_the_right_ring_from_any_other() {
    let (ring, other) = (KeyRing::generate(now()), KeyRing::generate(now()));
    let place = Place::new("state").with("lineage");
    let canary = ring.canary(&place);
    assert_eq!(ring.check_canary(&place, &canary), Ok(()));
    assert_eq!(other.check_canary(&place, &canary), Err(OpenError::UnknownKey { id: ring.current() }));
    assert_eq!(ring.check_canary(&Place::new("state").with("other"), &canary), Err(OpenError::Damaged));
}

#[test]
fn a_canary_is_no_value_and_a_value_is_no_canary() {
    let ring = KeyRing::generate(now());
    let place = Place::new("state");
    assert_eq!(ring.open(&place, &ring.canary(&place)).unwrap_err(), OpenError::Damaged);
    let posing = ring.seal(&place, b"this key is the right one");
    assert_eq!(ring.check_canary(&place, &posing), Err(OpenError::Damaged));
}
