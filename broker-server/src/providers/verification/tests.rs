//! What follows from what name servers say; the text; the servers themselves are in the tests of the whole.

use super::{
    base32,
    look::{Said, Seen, alias, judged, undecided},
    new_value,
};

fn elsewhere(name: &str) -> Said {
    Said::Elsewhere(name.parse().unwrap())
}

#[test]
fn two_servers_have_to_agree_or_all_if_there_are_fewer() {
    use Said::{No, Yes};
    for (said, seen) in [
        (vec![Yes], Seen::Shown),
        (vec![No], Seen::Missing),
        (vec![Yes, Yes], Seen::Shown),
        (vec![Yes, No], Seen::Missing),
        (vec![Yes, No, Yes], Seen::Shown),
        (vec![No, No, Yes], Seen::Missing),
    ] {
        assert_eq!(judged(&said), seen, "{said:?}");
    }
}

#[test]
fn silence_is_unknown_where_it_could_decide() {
    use Said::{No, Nothing, Yes};
    for (said, seen) in [
        (vec![], Seen::Unknown),
        (vec![Nothing], Seen::Unknown),
        (vec![Yes, Nothing], Seen::Unknown),
        (vec![No, Nothing], Seen::Missing),
        (vec![No, Nothing, Nothing], Seen::Unknown),
        (vec![No, No, Nothing], Seen::Missing),
        (vec![Yes, Yes, Nothing], Seen::Shown),
    ] {
        assert_eq!(judged(&said), seen, "{said:?}");
    }
}

#[test]
fn an_alias_is_believed_like_a_text_and_a_second_one_is_no_text() {
    let (one, other) = (elsewhere("proof.example.org"), elsewhere("other.example.org"));
    assert_eq!(alias(std::slice::from_ref(&one)), "proof.example.org".parse().ok());
    assert_eq!(alias(&[one.clone(), one.clone(), Said::No]), "proof.example.org".parse().ok());
    assert_eq!(alias(&[one.clone(), other]), None);
    assert_eq!(alias(&[one.clone(), Said::Nothing]), None);
    assert_eq!(judged(&undecided(vec![one.clone(), Said::Nothing])), Seen::Unknown);
    assert_eq!(judged(&[one.clone(), one]), Seen::Missing);
}

#[test]
fn a_text_has_128_bits_and_is_made_anew_each_time() {
    // RFC 4648 section 10
    assert_eq!(base32(b"foobar"), "mzxw6ytboi");
    let (one, other) = (new_value().unwrap(), new_value().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.strip_prefix("osb-verify=").unwrap().len(), 26);
}
