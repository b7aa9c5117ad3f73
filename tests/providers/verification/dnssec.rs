//! `domain-verification` of domains that are signed: real name servers that sign, and a chain of keys from above.

use sutler_broker_server::testing::signing::Signing;

use super::*;

/// The zone above the domain, which is trusted.
const ABOVE: &str = "org";

/// A zone above that is signed, and two name servers of the domain below it, which it points to.
async fn below(signing: &Signing, other: impl Fn(&Bind) -> Signing) -> Servers {
    let mut last = None;
    for _ in 0..10 {
        let first = Bind::start_with(&[ABOVE, DOMAIN], signing).await.unwrap();
        match first.beside_with(&[DOMAIN], &other(&first)).await {
            Ok(second) => return pointed_to(Servers { first, second }).await,
            // its address is somebody else's
            Err(error) => last = Some(error),
        }
    }
    panic!("{last:?}")
}

async fn pointed_to(servers: Servers) -> Servers {
    let hosts = ["ns1", "ns2"].map(|name| format!("{name}.{DOMAIN}"));
    for bind in [&servers.first, &servers.second] {
        bind.add(DOMAIN, &hosts[1], RecordType::A, "127.0.0.2").await.unwrap();
        bind.add(DOMAIN, DOMAIN, RecordType::NS, &hosts[1]).await.unwrap();
    }
    for host in &hosts {
        servers.first.add(ABOVE, DOMAIN, RecordType::NS, host).await.unwrap();
    }
    servers
}

impl Servers {
    /// Trusts the zone above and nothing else.
    async fn provider_of_signed(&self, limit: Option<Duration>) -> Verification {
        let anchors = Anchors::parse(&self.first.anchors(ABOVE).await.unwrap()).unwrap();
        Verification::new(&VerificationConfig { anchors, ..self.config(limit) })
    }

    async fn show(&self, value: &str) {
        for bind in [&self.first, &self.second] {
            bind.add(DOMAIN, RECORD, RecordType::TXT, value).await.unwrap();
        }
    }
}

async fn outputs(instance: &Instance) -> (Value, Value) {
    match instance.provider.fetch(&instance.facts, &instance.marker).await.unwrap() {
        Observation::Found { attributes, drift } => {
            assert!(drift.is_empty(), "{drift:?}");
            (attributes["verification"].clone(), attributes["dnssec"].clone())
        }
        Observation::Gone => panic!("a verification is never gone"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_domain_is_proven_by_its_keys_and_those_above_it() {
    let signing = Signing::of(&[ABOVE, DOMAIN]);
    let servers = below(&signing, |first| Signing::of(&[DOMAIN]).with_keys_of(first)).await;
    servers.first.vouch(ABOVE, DOMAIN).await.unwrap();
    let mut instance = Instance::of(servers.provider_of_signed(None).await);
    let value = told(&mut instance).await;
    servers.show(&value).await;
    instance.look().await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("verified"), json!("secure")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_alias_is_proven_like_what_it_leads_to() {
    let signing = Signing::of(&[ABOVE, DOMAIN]);
    let servers = below(&signing, |first| Signing::of(&[DOMAIN]).with_keys_of(first)).await;
    servers.first.vouch(ABOVE, DOMAIN).await.unwrap();
    let mut instance = Instance::of(servers.provider_of_signed(None).await);
    let value = told(&mut instance).await;
    for bind in [&servers.first, &servers.second] {
        bind.add(DOMAIN, RECORD, RecordType::CNAME, "proof.example.org").await.unwrap();
        bind.add(DOMAIN, "proof.example.org", RecordType::TXT, &value).await.unwrap();
    }
    instance.look().await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("verified"), json!("secure")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_nobody_above_vouches_for_is_as_good_as_unsigned() {
    let servers = below(&Signing::of(&[ABOVE]), |_| Signing::default()).await;
    let mut instance = Instance::of(servers.provider_of_signed(None).await);
    let value = told(&mut instance).await;
    servers.show(&value).await;
    instance.look().await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("verified"), json!("insecure")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_signed_by_another_key_or_by_none_is_no_proof_and_the_reason_is_told() {
    for other in [Signing::of(&[DOMAIN]), Signing::default()] {
        let servers = below(&Signing::of(&[ABOVE, DOMAIN]), |_| other.clone()).await;
        servers.first.vouch(ABOVE, DOMAIN).await.unwrap();
        let mut instance = Instance::of(servers.provider_of_signed(None).await);
        let value = told(&mut instance).await;
        servers.show(&value).await;
        let (description, _) = instance.look().await.unwrap_err();
        assert_eq!(wish(&description), Some((RECORD.to_owned(), value)), "{description}");
        assert!(description.contains("example.org is signed (DNSSEC)"), "{other:?}: {description}");
        instance.provider = servers.provider_of_signed(Some(Duration::ZERO)).await;
        let error = instance.go_on().await.unwrap_err();
        let ProviderError::Failed { description, .. } = error else { panic!("{error:?}") };
        assert!(description.contains("was not proven in time"), "{description}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proven_and_is_not_any_more_is_unknown_and_says_that_it_is_bogus() {
    let signing = Signing::of(&[ABOVE, DOMAIN]);
    let servers = below(&signing, |first| Signing::of(&[DOMAIN]).with_keys_of(first)).await;
    let mut instance = Instance::of(servers.provider_of_signed(None).await);
    let value = told(&mut instance).await;
    servers.show(&value).await;
    // nobody vouches for it yet
    instance.look().await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("verified"), json!("insecure")));
    // a key that is not the zone's
    let stranger = format!("12345 13 2 {}", "AB".repeat(32));
    servers.first.add(ABOVE, DOMAIN, RecordType::DS, &stranger).await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("unknown"), json!("bogus")));
    servers.first.remove(ABOVE, DOMAIN, RecordType::DS).await.unwrap();
    servers.first.vouch(ABOVE, DOMAIN).await.unwrap();
    assert_eq!(outputs(&instance).await, (json!("verified"), json!("secure")));
}

#[tokio::test(flavor = "multi_thread")]
async fn resolvers_that_tell_no_keys_leave_it_open() {
    let servers = below(&Signing::of(&[ABOVE]), |_| Signing::default()).await;
    // the root's keys are trusted, and these servers do not answer for the root
    let config = VerificationConfig { anchors: Anchors::root(), ..servers.config(None) };
    let mut instance = Instance::of(Verification::new(&config));
    let value = told(&mut instance).await;
    servers.show(&value).await;
    let (description, _) = instance.look().await.unwrap_err();
    assert!(description.contains("give no clear answer"), "{description}");
}
