//! A configuration of many instances in layers, and the state after it was applied. Shared by the benchmarks.

use std::fmt::Write as _;

use sutler::{
    config::Config,
    digest::{Inputs, Subject},
    name::{BrokerName, InstanceRef},
    state::{
        record::{Asked, BindingRecord, InstanceRecord, Named, Output, OutputValue},
        status::{BindingStatus, Status},
    },
};
use sutler_secrets::{Digest, KeyRing, Place, Sealed};
use sutler_spec::{BindingId, InstanceId, PlanId, ServiceId};

/// Instances of one layer; each refers to two of the layer before.
const WIDTH: usize = 100;

/// The configuration as JSON, 260 bytes or so for each instance.
#[must_use]
pub(crate) fn configuration(instances: usize) -> String {
    let mut text = String::with_capacity(instances * 280);
    text.push_str(r#"{"stack":"bench","brokers":{"edge":{"url":"http://127.0.0.1:1"}},"#);
    text.push_str(r#""sinks":{"env":{"dotenv":".env"}},"instances":{"#);
    for n in 0..instances {
        let comma = if n == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}"instance-{n}":{{"service":"database","plan":"standard","name":"name-of-{n}","#
        )
        .expect("a string takes everything");
        write!(text, r#""params":{{"region":"weur","replicas":{},"tags":["team-a","number-{n}"],"#, n % 5)
            .expect("a string takes everything");
        let (layer, column) = (n / WIDTH, n % WIDTH);
        if layer > 0 {
            let (one, other) = ((layer - 1) * WIDTH + column, (layer - 1) * WIDTH + (column * 7 + 3) % WIDTH);
            write!(text, r#""options":{{"upstream":"@instance-{one}.id","note":"after ${{instance-{other}.id}} of {n}"}}"#)
        } else {
            write!(text, r#""options":{{"upstream":"none","note":"the first layer holds the number {n}"}}"#)
        }
        .expect("a string takes everything");
        text.push_str("}}");
    }
    text.push_str("}}");
    text
}

/// What an apply of the configuration leaves behind.
#[must_use]
pub(crate) fn records(config: &Config, ring: &KeyRing) -> Vec<InstanceRecord> {
    let service = Named { id: ServiceId::new("service").expect("an id"), name: "database".to_owned() };
    let service_plan = Named { id: PlanId::new("plan").expect("an id"), name: "standard".to_owned() };
    let outputs = |target: &str, key: &str| (key == "id").then(|| output_digest(ring, target));
    let sealed = ring.seal(&Place::new("bench"), b"parameters");
    let mut inputs = Inputs::new(ring);
    let mut record = |(name, position): (&InstanceRef, u32)| {
        let declaration = &config.instances[name];
        let subject =
            Subject { service: &service.id, service_plan: &service_plan.id, name: &declaration.name };
        let needs = config.graph.needs(position).iter();
        let is_used = !config.graph.users(position).is_empty();
        InstanceRecord {
            reference: name.clone(),
            broker: BrokerName::new("edge").expect("a name"),
            service: service.clone(),
            service_plan: service_plan.clone(),
            instance_id: InstanceId::new(format!("0198c1de-7d2a-7f3b-8c11-{position:012}")).expect("an id"),
            name: declaration.name.clone(),
            status: Status::Ready,
            protected: false,
            needs: needs
                .filter_map(|need| Some(config.instances.get_index(*need as usize)?.0.clone()))
                .collect(),
            asked: Asked {
                service_plan: service_plan.clone(),
                inputs: inputs.digest(subject, &declaration.parameters, &outputs).expect("every output"),
                parameter_digests: inputs
                    .parameters(&declaration.parameters, &outputs)
                    .expect("every output"),
                parameters: sealed.clone(),
                maintenance_version: None,
            },
            pending: None,
            outputs: [("id".to_owned(), output(ring, name.as_str(), &sealed))].into(),
            binding: is_used.then(|| BindingRecord {
                binding_id: BindingId::new(format!("0198c1de-7d2a-7f3b-8c12-{position:012}")).expect("an id"),
                status: BindingStatus::Bound,
                credentials: vec!["id".to_owned()],
                metadata: serde_json::Map::new(),
                rotation: None,
            }),
            variables: declaration.bind.clone(),
            sink_digest: None,
            orphans: Vec::new(),
            adopted: None,
            drift: Vec::new(),
            previous: None,
            retired: Vec::new(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
        }
    };
    config.instances.keys().zip(0..).map(&mut record).collect()
}

fn output(ring: &KeyRing, name: &str, sealed: &Sealed) -> Output {
    Output { digest: output_digest(ring, name), value: OutputValue::Secret(sealed.clone()) }
}

fn output_digest(ring: &KeyRing, name: &str) -> Digest {
    ring.digest("output", name.as_bytes())
}
