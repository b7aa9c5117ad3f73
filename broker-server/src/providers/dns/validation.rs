//! DNSSEC (RFC 4035): whether an answer is signed by its zone's own keys, from what is trusted without proof downwards.
//!
//! Signatures are judged by the crate `domain`. DS and DNSKEY records come from resolvers, which are believed nothing.

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::{
    base::{Message, MessageBuilder, Rtype, iana::Rcode, opt::ExtendedError, wire::ParseError},
    dep::octseq::Octets,
    dnssec::validator::{
        anchor::TrustAnchors,
        context::{ValidationContext, ValidationState},
    },
    net::client::request::{ComposeRequest, Error as Unanswered, GetResponse, RequestMessage, SendRequest},
    rdata::AllRecordData,
};

use super::{Asker, DnsName, RecordType};

/// The keys of the root, as <https://data.iana.org/root-anchors/> has them since 2024.
const ROOT: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// What is trusted without proof: keys of zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors(Arc<str>);

/// No keys of zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "trust anchors are DS or DNSKEY records as in a zone file, one a line: example.org. IN DS 1 13 2 AB12…"
)]
pub struct AnchorError;

impl Anchors {
    /// The keys of the root: all of the public DNS.
    #[must_use]
    pub fn root() -> Self {
        Self(ROOT.into())
    }

    /// None: everything counts as unsigned.
    #[must_use]
    pub fn none() -> Self {
        Self("".into())
    }

    /// Those of a text, DS and DNSKEY records as in a zone file.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        let lines = text.lines().map(|line| line.split(';').next().unwrap_or_default().trim());
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let is_anchor = |line: &&str| {
            let mut words = line.split_ascii_whitespace().skip(1);
            words.any(|word| word.eq_ignore_ascii_case("DS") || word.eq_ignore_ascii_case("DNSKEY"))
        };
        if !lines.iter().all(is_anchor) {
            return Err(AnchorError);
        }
        let anchors = Self(lines.join("\n").into());
        anchors.read().map(|_| anchors)
    }

    fn read(&self) -> Result<TrustAnchors, AnchorError> {
        // how long an anchor may be remembered is of no interest, and a record has to say it
        TrustAnchors::from_u8(format!("$TTL 3600\n{}", self.0).as_bytes()).map_err(|_| AnchorError)
    }
}

/// An answer with everything that came with it.
#[derive(Debug, Clone)]
pub struct Whole(pub(super) Message<Vec<u8>>);

/// What an answer stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// Signatures prove it.
    Secure,
    /// It is proven that its zone is not signed; or nothing is trusted that could prove the opposite.
    Insecure,
    /// It should be signed and is not, or not rightly. Why.
    Bogus(String),
    /// Nobody could tell: the resolvers gave no clear answer.
    Unknown,
}

/// Judges answers.
#[derive(Debug, Clone)]
pub struct Validator {
    anchors: Anchors,
    resolvers: Arc<[SocketAddr]>,
    asker: Asker,
}

impl Validator {
    /// Trusts these keys, and asks these resolvers for others, each attempt for so long.
    #[must_use]
    pub fn new(anchors: Anchors, resolvers: &[SocketAddr], patience: Duration) -> Self {
        let asker = Asker::new(patience).recursive().with_signatures();
        Self { anchors, resolvers: resolvers.into(), asker }
    }

    /// Judges a whole answer that has records. Nothing is remembered from one answer to the next.
    pub async fn judge(&self, whole: &Whole) -> Validity {
        match self.validated(whole.0.clone()).await {
            // Whose signature an answer carries is up to whoever sends it: the name of an unsigned zone there would make it
            // count as unsigned. That has to be so without it, too.
            Validity::Insecure => match unsigned(&whole.0) {
                Ok(unsigned) => self.validated(unsigned).await,
                Err(_) => Validity::Unknown,
            },
            other => other,
        }
    }

    async fn validated(&self, mut message: Message<Vec<u8>>) -> Validity {
        let Ok(anchors) = self.anchors.read() else { return Validity::Unknown };
        let silent = Arc::new(AtomicBool::new(false));
        let (resolvers, asker) = (self.resolvers.clone(), self.asker.clone());
        let chain = Chain { resolvers, asker, silent: silent.clone() };
        let context = ValidationContext::new(anchors, chain);
        match context.validate_msg::<_, Vec<u8>>(&mut message).await {
            Ok((ValidationState::Secure, _)) => Validity::Secure,
            Ok((ValidationState::Insecure | ValidationState::Indeterminate, _)) => Validity::Insecure,
            Ok((ValidationState::Bogus, _)) if silent.load(Ordering::Relaxed) => Validity::Unknown,
            Ok((ValidationState::Bogus, why)) => Validity::Bogus(reason(why.as_ref())),
            Err(_) => Validity::Unknown,
        }
    }
}

/// The validator's own words; none of a stranger's.
fn reason(why: Option<&ExtendedError<Vec<u8>>>) -> String {
    let text = why.and_then(ExtendedError::text_slice).unwrap_or_default();
    let text: String =
        text.iter().map(|byte| char::from(*byte)).filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    if text.is_empty() { "no signature of the zone holds".to_owned() } else { text }
}

/// The question and its answer without signatures.
fn unsigned(message: &Message<Vec<u8>>) -> Result<Message<Vec<u8>>, ParseError> {
    let full = |_| ParseError::ShortInput;
    let mut builder = MessageBuilder::new_vec();
    *builder.header_mut() = message.header();
    let mut builder = builder.question();
    for question in message.question() {
        builder.push(question?).map_err(full)?;
    }
    let mut builder = builder.answer();
    for record in message.answer()? {
        let record = record?;
        if record.rtype() != Rtype::RRSIG {
            builder.push(record.to_any_record::<AllRecordData<_, _>>()?).map_err(full)?;
        }
    }
    Ok(builder.into_message())
}

/// Where the validator gets keys from: the first resolver that answers.
struct Chain {
    resolvers: Arc<[SocketAddr]>,
    asker: Asker,
    /// Whether a question was not answered: what follows from that is no judgement.
    silent: Arc<AtomicBool>,
}

impl<Octs: AsRef<[u8]> + fmt::Debug + Octets + Send + Sync> SendRequest<RequestMessage<Octs>> for Chain {
    fn send_request(&self, request: RequestMessage<Octs>) -> Box<dyn GetResponse + Send + Sync> {
        let question = request.to_message().ok().and_then(|message| {
            let question = message.sole_question().ok()?;
            Some((DnsName::of(&question.qname()), question.qtype()))
        });
        let (resolvers, asker, silent) = (self.resolvers.clone(), self.asker.clone(), self.silent.clone());
        Box::new(Question { question, resolvers, asker, silent })
    }
}

/// One question for keys.
#[derive(Debug)]
struct Question {
    question: Option<(DnsName, RecordType)>,
    resolvers: Arc<[SocketAddr]>,
    asker: Asker,
    silent: Arc<AtomicBool>,
}

impl Question {
    async fn answer(&self) -> Result<Message<Bytes>, Unanswered> {
        let (name, of) = self.question.as_ref().ok_or(Unanswered::FormError)?;
        for resolver in self.resolvers.iter() {
            let Ok(message) = self.asker.message(*resolver, (name, *of)).await else { continue };
            if matches!(message.header().rcode(), Rcode::NOERROR | Rcode::NXDOMAIN) {
                let bytes = Bytes::from(message.into_octets());
                return Message::from_octets(bytes).map_err(|_| Unanswered::ShortMessage);
            }
        }
        self.silent.store(true, Ordering::Relaxed);
        Err(Unanswered::NoTransportAvailable)
    }
}

impl GetResponse for Question {
    fn get_response(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<Message<Bytes>, Unanswered>> + Send + Sync + '_>> {
        Box::pin(self.answer())
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        base::{
            Name, Ttl,
            iana::{Class, SecurityAlgorithm},
        },
        rdata::{Rrsig, Txt, dnssec::Timestamp},
    };

    use super::*;
    use crate::testing::{bind::Bind, signing::Signing};

    #[test]
    fn anchors_are_keys_as_in_a_zone_file() {
        assert!(Anchors::root().read().is_ok());
        assert_eq!(Anchors::parse(&format!("; the root\n\n{ROOT}")), Anchors::parse(ROOT));
        assert_eq!(Anchors::parse(""), Ok(Anchors::none()));
        assert!(
            Anchors::parse("example.org. 60 IN DS 7 13 2 AB12").is_ok(),
            "a digest is not looked into here"
        );
        for text in ["example.org. IN A 192.0.2.1", "example.org. IN DS 7", "DS", "root.key"] {
            assert_eq!(Anchors::parse(text), Err(AnchorError), "{text}");
        }
    }

    const SIGNED: &str = "signed.test";
    const OPEN: &str = "open.signed.test";
    const PATIENCE: Duration = Duration::from_secs(5);

    /// A server of a signed zone and of one below it that is not, and a validator that trusts the former.
    async fn zones() -> (Bind, Validator) {
        let bind = Bind::start_with(&[SIGNED, OPEN], &Signing::of(&[SIGNED])).await.unwrap();
        bind.add(SIGNED, OPEN, RecordType::NS, "ns1.open.signed.test").await.unwrap();
        let anchors = Anchors::parse(&bind.anchors(SIGNED).await.unwrap()).unwrap();
        let validator = Validator::new(anchors, &[bind.address()], PATIENCE);
        (bind, validator)
    }

    async fn shown(bind: &Bind, zone: &str) -> Whole {
        let owner = format!("text.{zone}");
        bind.add(zone, &owner, RecordType::TXT, "here").await.unwrap();
        let asker = Asker::new(PATIENCE).with_signatures();
        asker.ask_whole(bind.address(), &owner.parse().unwrap(), RecordType::TXT).await.unwrap().1
    }

    /// An answer that nobody signed, with a signature that names somebody.
    fn forged(signer: Option<&str>) -> Whole {
        let owner: Name<Vec<u8>> = format!("text.{SIGNED}").parse().unwrap();
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_qr(true);
        let mut builder = builder.question();
        builder.push((&owner, Rtype::TXT, Class::IN)).unwrap();
        let mut builder = builder.answer();
        let text: Txt<Vec<u8>> = Txt::build_from_slice(b"mine").unwrap();
        builder.push((&owner, Class::IN, Ttl::from_secs(60), text)).unwrap();
        if let Some(signer) = signer {
            let (from, until) = (Timestamp::from(0), Timestamp::from(u32::MAX / 2));
            let (algorithm, ttl) = (SecurityAlgorithm::ECDSAP256SHA256, Ttl::from_secs(60));
            let signer: Name<Vec<u8>> = signer.parse().unwrap();
            let signature = Rrsig::new(Rtype::TXT, algorithm, 3, ttl, until, from, 7, signer, vec![7; 64]);
            builder.push((&owner, Class::IN, ttl, signature.unwrap())).unwrap();
        }
        Whole(builder.into_message())
    }

    #[tokio::test]
    async fn what_is_signed_is_secure_and_what_is_proven_to_be_unsigned_is_not() {
        let (bind, validator) = zones().await;
        assert_eq!(validator.judge(&shown(&bind, SIGNED).await).await, Validity::Secure);
        let open = shown(&bind, OPEN).await;
        assert_eq!(validator.judge(&open).await, Validity::Insecure);
        let trusts_nobody = Validator::new(Anchors::none(), &[bind.address()], PATIENCE);
        assert_eq!(trusts_nobody.judge(&shown(&bind, SIGNED).await).await, Validity::Insecure);
    }

    #[tokio::test]
    async fn a_forged_answer_is_bogus_whoever_it_says_has_signed_it() {
        let (_bind, validator) = zones().await;
        // the last two are not trusted, or not signed: their names make nothing unsigned that is not theirs
        for signer in [None, Some(SIGNED), Some(OPEN), Some("test")] {
            let judged = validator.judge(&forged(signer)).await;
            assert!(matches!(judged, Validity::Bogus(_)), "{signer:?}: {judged:?}");
        }
    }

    #[tokio::test]
    async fn resolvers_that_do_not_tell_keys_prove_nothing() {
        let (bind, _) = zones().await;
        let signed = shown(&bind, SIGNED).await;
        // this server does not answer for the root
        let validator = Validator::new(Anchors::root(), &[bind.address()], PATIENCE);
        assert_eq!(validator.judge(&signed).await, Validity::Unknown);
        assert_eq!(Validator::new(Anchors::root(), &[], PATIENCE).judge(&signed).await, Validity::Unknown);
    }
}
