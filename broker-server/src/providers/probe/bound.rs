//! What the probe's bindings yield.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sutler_catalog::probe::{Behaviour, ExpiringBind, output};
use sutler_spec::{
    BindingBody, BindingMetadata, Device, DeviceType, Endpoint, EndpointProtocol, MountMode, Timestamp,
    VolumeMount,
};

use crate::providers::{BindingFacts, Marker, ProviderError, Refusal};

/// The body of a finished bind; how long it lives if that was not said. Credentials are made from the marker: others for each binding, the same for a repeat.
pub(super) fn body(
    (behaviour, default): (Behaviour, Duration),
    marker: &Marker,
    binding: &BindingFacts,
) -> Result<BindingBody, ProviderError> {
    let credentials = [
        (output::USERNAME.to_owned(), json!(marker.hex(12))),
        (output::PASSWORD.to_owned(), json!(marker.hex(64))),
    ];
    let endpoint = Endpoint {
        host: "probe.example".to_owned(),
        ports: vec!["443".to_owned(), "9000-9010".to_owned()],
        protocol: EndpointProtocol::Tcp,
    };
    let plain = BindingBody {
        credentials: Some(credentials.into_iter().collect()),
        endpoints: Some(vec![endpoint]),
        ..BindingBody::default()
    };
    Ok(match behaviour {
        Behaviour::Expiring => BindingBody { metadata: Some(lifetime(binding, default)?), ..plain },
        Behaviour::LogDrain => {
            let url = format!("syslog-tls://probe.example:6514/{}", marker.hex(12));
            BindingBody { syslog_drain_url: Some(url), ..plain }
        }
        Behaviour::Route => {
            let url = format!("https://probe.example/routes/{}", marker.hex(12));
            BindingBody { route_service_url: Some(url), ..plain }
        }
        Behaviour::Volume => BindingBody { volume_mounts: Some(vec![volume(marker)]), ..plain },
        _ => plain,
    })
}

/// From now on; to be renewed in the last quarter.
fn lifetime(binding: &BindingFacts, default: Duration) -> Result<BindingMetadata, ProviderError> {
    let asked = Value::Object(binding.parameters.expose().clone());
    let asked = ExpiringBind::deserialize(asked).unwrap_or_default();
    let asked = asked.lifetime_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let lifetime = i64::try_from(asked.unwrap_or(default).as_millis()).map_err(|_| too_long())?;
    let now = jiff::Timestamp::now();
    let after = |milliseconds: i64| {
        let at = now.checked_add(jiff::SignedDuration::from_millis(milliseconds)).map_err(|_| too_long())?;
        let text = at.strftime("%Y-%m-%dT%H:%M:%S.%1fZ").to_string();
        Timestamp::new(text).map(Some).map_err(|_| too_long())
    };
    Ok(BindingMetadata { expires_at: after(lifetime)?, renew_before: after(lifetime - lifetime / 4)? })
}

fn too_long() -> ProviderError {
    ProviderError::refused(Refusal::Unsupported, "The lifetime is too long.")
}

fn volume(marker: &Marker) -> VolumeMount {
    VolumeMount {
        driver: "probe".to_owned(),
        container_dir: "/data/probe".to_owned(),
        mode: MountMode::Read,
        device_type: DeviceType::Shared,
        device: Device {
            volume_id: marker.hex(32),
            mount_config: Some([("source".to_owned(), json!("probe.example:/volume"))].into_iter().collect()),
        },
    }
}
