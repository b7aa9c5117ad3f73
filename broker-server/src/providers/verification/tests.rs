//! What follows from what name servers say; the text; the servers themselves are in the tests of the whole.

use super::{
    base32,
    look::{Proof, Said, Seen, alias, judged, undecided},
    new_value,
};

fn elsewhere(name: &str) -> Said {
    Said::Elsewhere(name.parse().unwrap(), Proof::Insecure)
}

const YES: Said = Said::Yes(Proof::Insecure);
const SHOWN: Seen = Seen::Shown(Proof::Insecure);

#[test]
fn two_servers_have_to_agree_or_all_if_there_are_fewer() {
    use Said::No;
    for (said, seen) in [
        (vec![YES], SHOWN),
        (vec![No], Seen::Missing),
        (vec![YES, YES], SHOWN),
        (vec![YES, No], Seen::Missing),
        (vec![YES, No, YES], SHOWN),
        (vec![No, No, YES], Seen::Missing),
    ] {
        assert_eq!(judged(&said, Proof::Secure), seen, "{said:?}");
    }
}

#[test]
fn silence_is_unknown_where_it_could_decide() {
    use Said::{No, Nothing};
    for (said, seen) in [
        (vec![], Seen::Unknown),
        (vec![Nothing], Seen::Unknown),
        (vec![YES, Nothing], Seen::Unknown),
        (vec![No, Nothing], Seen::Missing),
        (vec![No, Nothing, Nothing], Seen::Unknown),
        (vec![No, No, Nothing], Seen::Missing),
        (vec![YES, YES, Nothing], SHOWN),
    ] {
        assert_eq!(judged(&said, Proof::Secure), seen, "{said:?}");
    }
}

#[test]
fn an_alias_is_believed_like_a_text_and_a_second_one_is_no_text() {
    let (one, other) = (elsewhere("proof.example.org"), elsewhere("other.example.org"));
    let proof = Some(("proof.example.org".parse().unwrap(), Proof::Insecure));
    assert_eq!(alias(std::slice::from_ref(&one)), proof);
    assert_eq!(alias(&[one.clone(), one.clone(), Said::No]), proof);
    assert_eq!(alias(&[one.clone(), other]), None);
    assert_eq!(alias(&[one.clone(), Said::Nothing]), None);
    assert_eq!(judged(&undecided(vec![one.clone(), Said::Nothing]), Proof::Secure), Seen::Unknown);
    assert_eq!(judged(&[one.clone(), one], Proof::Secure), Seen::Missing);
}

#[test]
fn a_chain_of_proofs_is_as_strong_as_its_weakest_part() {
    use Proof::{Insecure, Secure};
    let yes = |proofs: &[Proof]| proofs.iter().copied().map(Said::Yes).collect::<Vec<_>>();
    for (said, alias, proof) in [
        (yes(&[Secure, Secure]), Secure, Secure),
        (yes(&[Secure, Insecure]), Secure, Insecure),
        (yes(&[Secure, Secure]), Insecure, Insecure),
    ] {
        assert_eq!(judged(&said, alias), Seen::Shown(proof), "{said:?} {alias:?}");
    }
    let led = |proof| Said::Elsewhere("proof.example.org".parse().unwrap(), proof);
    assert_eq!(alias(&[led(Secure), led(Insecure)]).unwrap().1, Insecure);
}

#[test]
fn what_is_not_rightly_signed_is_no_text_and_tells_why() {
    use Said::{No, Nothing};
    let bogus = || Said::Bogus("no signature".to_owned());
    let why = Seen::Bogus("no signature".to_owned());
    for (said, seen) in [
        (vec![bogus()], why.clone()),
        (vec![YES, bogus()], why.clone()),
        (vec![Nothing, bogus()], why),
        (vec![YES, YES, bogus()], SHOWN),
        (vec![No, bogus()], Seen::Missing),
    ] {
        assert_eq!(judged(&said, Proof::Secure), seen, "{said:?}");
    }
}

#[test]
fn a_text_has_128_bits_and_is_made_anew_each_time() {
    // RFC 4648 section 10
    assert_eq!(base32(b"foobar"), "mzxw6ytboi");
    let (one, other) = (new_value().unwrap(), new_value().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.strip_prefix("osb-verify=").unwrap().len(), 26);
}
