//! What is sealed for a recipient opens with its key ring, at its place, unchanged, and in no other way.

use proptest::{collection::vec, prelude::*};
use sutler_secrets::{KeyRing, Letter, OpenError, ParseRecipientError, Place, Recipient};

use crate::now;

fn place() -> Place {
    Place::new("sink").with("shop").with("TOKEN")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_public_half_seals_and_the_ring_opens(plaintext in vec(any::<u8>(), 0..300)) {
        let ring = KeyRing::generate(now());
        let public: Recipient = ring.recipient().to_string().parse().unwrap();
        let letter = public.seal(&place(), &plaintext);
        let again = Letter::from_text(&letter.to_text()).unwrap();
        prop_assert_eq!(&again, &letter);
        prop_assert_eq!(&Letter::from_bytes(letter.as_bytes()).unwrap(), &letter);
        prop_assert_eq!(again.key_id(), ring.current());
        prop_assert_eq!(ring.open_letter(&place(), &again).unwrap().into_inner(), plaintext);
    }
}

#[test]
fn it_opens_at_its_own_place_only() {
    let ring = KeyRing::generate(now());
    let letter = ring.recipient().seal(&place(), b"secret");
    for elsewhere in [Place::new("sink"), place().with(""), Place::new("sink").with("shop").with("OTHER")] {
        assert_eq!(ring.open_letter(&elsewhere, &letter).map(|_| ()), Err(OpenError::Damaged));
    }
}

#[test]
fn another_ring_does_not_open_it_and_a_rotated_one_does() {
    let mut ring = KeyRing::generate(now());
    let letter = ring.recipient().seal(&place(), b"secret");
    let first = ring.current();
    let other = KeyRing::generate(now());
    assert_eq!(other.open_letter(&place(), &letter).map(|_| ()), Err(OpenError::UnknownKey { id: first }));
    let second = ring.rotate(now());
    assert_eq!(ring.recipient().id(), second);
    assert_eq!(ring.open_letter(&place(), &letter).unwrap().expose(), b"secret");
    ring.forget(first).unwrap();
    assert_eq!(ring.open_letter(&place(), &letter).map(|_| ()), Err(OpenError::UnknownKey { id: first }));
}

#[test]
fn the_same_ring_has_the_same_recipient_after_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let made = KeyRing::create(&path, now()).unwrap().recipient();
    assert_eq!(KeyRing::load(&path).unwrap().recipient(), made);
}

#[test]
fn with_any_byte_changed_it_never_opens() {
    let ring = KeyRing::generate(now());
    let letter = ring.recipient().seal(&place(), b"a secret of some length");
    let length = letter.as_bytes().len();
    // each byte of the header and the ciphertext, and every 16th of the encapsulated key, which is long
    for at in (0..5).chain((5..1125).step_by(16)).chain(1125..length) {
        let mut bytes = letter.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        let opened = Letter::from_bytes(bytes).and_then(|flipped| ring.open_letter(&place(), &flipped));
        assert!(opened.is_err(), "byte {at}");
    }
    for cut in [0, 1, 5, 1124, 1140, length - 1] {
        let bytes = &letter.as_bytes()[..cut];
        let opened = Letter::from_bytes(bytes).and_then(|cut| ring.open_letter(&place(), &cut));
        assert!(opened.is_err(), "{cut} bytes");
    }
}

#[test]
fn sealing_the_same_twice_gives_two_letters_without_the_secret_in_them() {
    let recipient = KeyRing::generate(now()).recipient();
    let (one, two) = (recipient.seal(&place(), b"secret"), recipient.seal(&place(), b"secret"));
    assert_ne!(one, two);
    assert!(!one.as_bytes().windows(6).any(|bytes| bytes == b"secret"));
}

#[test]
fn newer_and_foreign_texts_are_told_apart() {
    assert_eq!(Letter::from_text("sutler:xwing2:whatever"), Err(OpenError::NewerFormat { found: 2 }));
    for text in ["", "sutler:xwing", "sutler:xwing1", "sutler:xwing1:", "sutler:xwing01:AA", "sutler:v1:AAAA"]
    {
        assert_eq!(Letter::from_text(text), Err(OpenError::Malformed), "{text}");
    }
}

#[test]
fn a_recipient_with_a_slip_in_it_is_refused() {
    let text = KeyRing::generate(now()).recipient().to_string();
    assert!(text.parse::<Recipient>().is_ok() && format!("\n{text}\n").parse::<Recipient>().is_ok());
    for at in [0, 18, 40, 1000, text.len() - 1] {
        let mut slip = text.clone().into_bytes();
        slip[at] = if slip[at] == b'A' { b'B' } else { b'A' };
        let slip = String::from_utf8(slip).unwrap();
        assert_eq!(slip.parse::<Recipient>().map(|_| ()), Err(ParseRecipientError), "{at}");
    }
    assert!(text[..text.len() - 4].parse::<Recipient>().is_err());
}
