//! One message on its way: what is asked, its signature, and whether what comes back is the answer to it.

use std::{net::SocketAddr, sync::Arc};

use domain::{
    base::{
        Message, MessageBuilder,
        iana::{Class, Opcode, Rcode, TsigRcode},
        message_builder::AdditionalBuilder,
    },
    rdata::{Tsig, tsig::Time48},
    tsig::{ClientTransaction, Key},
};

use super::{DnsError, DnsName, RecordType, TsigKey};

/// What is no larger goes through every network in one piece.
const DATAGRAM: u16 = 1_232;

/// A message with what is needed to know its answer.
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    transaction: Option<ClientTransaction<Arc<Key>>>,
}

/// Whether the server is to ask others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recursion {
    Wanted,
    None,
}

/// Whether the server is to tell the zone's signatures (DNSSEC), too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    Wanted,
    None,
}

/// A question for the records of one name and type.
pub(super) fn question(
    (name, of): (&DnsName, RecordType),
    (recursion, signatures): (Recursion, Signatures),
    key: Option<&TsigKey>,
) -> Result<Outgoing, DnsError> {
    let mut builder = started(Opcode::QUERY)?;
    builder.header_mut().set_rd(recursion == Recursion::Wanted);
    // who judges signatures wants those that a resolver would not pass on, too
    builder.header_mut().set_cd(signatures == Signatures::Wanted);
    let mut builder = builder.question();
    builder.push((name.as_name(), of, Class::IN)).map_err(|_| DnsError::TooLong)?;
    let mut builder = builder.additional();
    let sized = builder.opt(|opt| {
        opt.set_udp_payload_size(DATAGRAM);
        opt.set_dnssec_ok(signatures == Signatures::Wanted);
        Ok(())
    });
    sized.map_err(|_| DnsError::TooLong)?;
    Outgoing::of(builder, key)
}

/// The beginning of a message, with a number that nobody can foresee.
pub(super) fn started(opcode: Opcode) -> Result<MessageBuilder<Vec<u8>>, DnsError> {
    let mut number = [0; 2];
    // without it, the number is known: an answer is still bound to the port, the question, and the signature
    let _ = getrandom::fill(&mut number);
    let mut builder = MessageBuilder::new_vec();
    builder.set_push_limit(usize::from(u16::MAX));
    builder.header_mut().set_id(u16::from_be_bytes(number));
    builder.header_mut().set_opcode(opcode);
    Ok(builder)
}

impl Outgoing {
    /// The message, signed if there is a key.
    pub(super) fn of(builder: AdditionalBuilder<Vec<u8>>, key: Option<&TsigKey>) -> Result<Self, DnsError> {
        Self::signed_at(Time48::now(), builder, key)
    }

    pub(super) fn signed_at(
        now: Time48,
        mut builder: AdditionalBuilder<Vec<u8>>,
        key: Option<&TsigKey>,
    ) -> Result<Self, DnsError> {
        let sign = |key: &TsigKey| ClientTransaction::request(key.shared(), &mut builder, now);
        let transaction = key.map(sign).transpose().map_err(|_| DnsError::TooLong)?;
        Ok(Self { bytes: builder.finish(), transaction })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is a message with the number and question of ours, signed or not.
    pub(super) fn is_answered_by(&self, received: &[u8]) -> bool {
        let (Ok(ours), Ok(theirs)) = (Message::from_slice(&self.bytes), Message::from_slice(received)) else {
            return false;
        };
        let (asked, answered) = (ours.header(), theirs.header());
        if asked.id() != answered.id() || asked.opcode() != answered.opcode() || !answered.qr() {
            return false;
        }
        match (ours.sole_question(), theirs.first_question()) {
            (Ok(asked), Some(answered)) => {
                asked.qname() == answered.qname() && asked.qtype() == answered.qtype()
            }
            // an error may repeat nothing
            (Ok(_), None) => answered.rcode() != Rcode::NOERROR && answered.rcode() != Rcode::NXDOMAIN,
            (Err(_), _) => false,
        }
    }

    /// The answer, its signature checked and taken off.
    pub(super) fn checked(
        &self,
        server: SocketAddr,
        received: Vec<u8>,
    ) -> Result<Message<Vec<u8>>, DnsError> {
        let unclear = DnsError::Unclear(server);
        if !self.is_answered_by(&received) {
            return Err(unclear);
        }
        let mut message = Message::from_octets(received).map_err(|_| unclear.clone())?;
        let Some(transaction) = &self.transaction else { return Ok(message) };
        if let Some(error) = refused_signature(server, &message) {
            return Err(error);
        }
        transaction.answer(&mut message, Time48::now()).map_err(|_| unclear)?;
        Ok(message)
    }
}

/// What the server has against our signature. Such an answer need not be signed: it has no key in common with us.
fn refused_signature(server: SocketAddr, message: &Message<Vec<u8>>) -> Option<DnsError> {
    if message.header().rcode() != Rcode::NOTAUTH {
        return None;
    }
    let record = message.get_last_additional::<Tsig<_, _>>()?;
    match record.data().error() {
        TsigRcode::BADKEY => Some(DnsError::Key(server, "it does not know a key of that name and algorithm")),
        TsigRcode::BADSIG | TsigRcode::BADTRUNC => {
            Some(DnsError::Key(server, "the secret is not the one it has for that key"))
        }
        TsigRcode::BADTIME => Some(DnsError::Clock(server)),
        _ => None,
    }
}
