//! What the broker says is what the platform understands: `decode` is the inverse of `status` and `body`.

use std::fmt::Debug;

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};
use sutler_spec::{
    Accepted, BindingBody, BindingMetadata, Bound, Credentials, DecodeError, Deprovisioned, Device,
    DeviceType, Endpoint, EndpointProtocol, InstanceBody, InstanceMetadata, MountMode, Operation, Outcome,
    Provisioned, Timestamp, Unbound, Updated, VolumeMount,
};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    vec((any::<String>(), any_value()), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn any_metadata() -> impl Strategy<Value = InstanceMetadata> {
    (any_object(), any_object()).prop_map(|(labels, attributes)| InstanceMetadata { labels, attributes })
}

fn any_instance() -> impl Strategy<Value = InstanceBody> {
    (option::of(any::<String>()), option::of(any_metadata()))
        .prop_map(|(dashboard_url, metadata)| InstanceBody { dashboard_url, metadata })
}

fn any_accepted() -> impl Strategy<Value = Accepted> {
    let operation = ".{1,40}".prop_map(|text| Operation::new(text).expect("not empty"));
    (option::of(operation), any_instance()).prop_map(|(operation, body)| Accepted {
        operation,
        dashboard_url: body.dashboard_url,
        metadata: body.metadata,
        retry_after: None,
    })
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (1_000..9_999u16, 1..=12u8, 0..24u8).prop_map(|(year, month, hour)| {
        Timestamp::new(format!("{year:04}-{month:02}-28T{hour:02}:00:00.5Z")).expect("a time")
    })
}

fn any_volume() -> impl Strategy<Value = VolumeMount> {
    (any::<[String; 3]>(), any::<bool>(), option::of(any_object())).prop_map(
        |(texts, writable, mount_config)| {
            let [driver, container_dir, volume_id] = texts;
            VolumeMount {
                driver,
                container_dir,
                mode: if writable { MountMode::ReadWrite } else { MountMode::Read },
                device_type: DeviceType::Shared,
                device: Device { volume_id, mount_config },
            }
        },
    )
}

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let protocol =
        prop::sample::select(vec![EndpointProtocol::Tcp, EndpointProtocol::Udp, EndpointProtocol::All]);
    (any::<String>(), vec(any::<String>(), 1..3), protocol).prop_map(|(host, ports, protocol)| Endpoint {
        host,
        ports,
        protocol,
    })
}

fn any_binding() -> impl Strategy<Value = BindingBody> {
    let metadata = (option::of(any_time()), option::of(any_time()))
        .prop_map(|(expires_at, renew_before)| BindingMetadata { expires_at, renew_before });
    let urls = (option::of(any::<String>()), option::of(any::<String>()));
    (
        option::of(metadata),
        option::of(any_object().prop_map(Credentials::new)),
        urls,
        option::of(vec(any_volume(), 0..3)),
        option::of(vec(any_endpoint(), 0..3)),
    )
        .prop_map(
            |(metadata, credentials, (syslog_drain_url, route_service_url), volume_mounts, endpoints)| {
                BindingBody {
                    metadata,
                    credentials,
                    syslog_drain_url,
                    route_service_url,
                    volume_mounts,
                    endpoints,
                }
            },
        )
}

/// Bodies as a confused broker might send them: known names, any values.
fn any_body() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "operation",
        "dashboard_url",
        "metadata",
        "labels",
        "credentials",
        "endpoints",
        "volume_mounts",
        "x",
    ]);
    prop_oneof![
        any_value(),
        vec((name, any_value()), 0..4)
            .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        any_accepted().prop_map(|accepted| serde_json::to_value(accepted).expect("an object")),
        any_binding().prop_map(|binding| serde_json::to_value(binding).expect("an object")),
    ]
}

fn is_inverse<O: Outcome + PartialEq + Debug>(outcome: O) -> Result<(), TestCaseError> {
    let body = outcome.body();
    prop_assert!(body.is_object());
    let decoded = O::decode(outcome.status(), body.to_string().as_bytes());
    prop_assert_eq!(decoded.expect("what was written can be read"), outcome);
    Ok(())
}

/// For every status: an error that names the status, or an outcome of that status which says the same again.
fn is_sound<O: Outcome + PartialEq + Debug>(body: &Value) -> Result<(), TestCaseError> {
    for status in 100..=599 {
        match O::decode(status, body.to_string().as_bytes()) {
            Ok(outcome) => {
                prop_assert_eq!(outcome.status(), status);
                is_inverse(outcome)?;
            }
            Err(error) => prop_assert_eq!(error.status(), status),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn provision_is_understood_as_meant(instance in any_instance(), accepted in any_accepted()) {
        is_inverse(Provisioned::Created(instance.clone()))?;
        is_inverse(Provisioned::Unchanged(instance))?;
        is_inverse(Provisioned::Accepted(accepted))?;
    }

    #[test]
    fn update_is_understood_as_meant(instance in any_instance(), accepted in any_accepted()) {
        is_inverse(Updated::Applied(instance))?;
        is_inverse(Updated::Accepted(accepted))?;
    }

    #[test]
    fn bind_is_understood_as_meant(binding in any_binding(), accepted in any_accepted()) {
        is_inverse(Bound::Created(binding.clone()))?;
        is_inverse(Bound::Unchanged(binding))?;
        is_inverse(Bound::Accepted(accepted))?;
    }

    #[test]
    fn deletion_is_understood_as_meant(accepted in any_accepted()) {
        is_inverse(Deprovisioned::Deleted)?;
        is_inverse(Deprovisioned::Gone)?;
        is_inverse(Deprovisioned::Accepted(accepted.clone()))?;
        is_inverse(Unbound::Deleted)?;
        is_inverse(Unbound::Gone)?;
        is_inverse(Unbound::Accepted(accepted))?;
    }

    #[test]
    fn no_status_and_no_body_is_understood_as_another_status(body in any_body()) {
        is_sound::<Provisioned>(&body)?;
        is_sound::<Updated>(&body)?;
        is_sound::<Bound>(&body)?;
        is_sound::<Deprovisioned>(&body)?;
        is_sound::<Unbound>(&body)?;
    }

    #[test]
    fn bytes_that_are_no_json_are_never_an_outcome(bytes in vec(any::<u8>(), 0..40)) {
        prop_assume!(serde_json::from_slice::<Value>(&bytes).is_err());
        for status in 100..=599 {
            prop_assert!(Provisioned::decode(status, &bytes).is_err());
            prop_assert!(Updated::decode(status, &bytes).is_err());
            prop_assert!(Bound::decode(status, &bytes).is_err());
            // What is gone is gone, however that is said.
            prop_assert_eq!(Deprovisioned::decode(status, &bytes).is_ok(), status == 410);
            prop_assert_eq!(Unbound::decode(status, &bytes).is_ok(), status == 410);
        }
    }
}

#[test]
fn only_an_object_is_a_body() {
    for body in [json!(null), json!([]), json!("x"), json!(1)] {
        for status in [200, 201, 202] {
            let decoded = Provisioned::decode(status, body.to_string().as_bytes());
            assert!(matches!(decoded, Err(DecodeError::MalformedBody { .. })), "{status} {body}");
        }
    }
    assert!(matches!(Provisioned::decode(204, b"{}"), Err(DecodeError::UnexpectedStatus { status: 204 })));
}
