//! What nobody tracks is found on all pages, and one object of it is taken over: nothing is changed by that, what was
//! asked for is as it is, and from then on it is an instance like any other.

mod account;
mod at_dnsimple;
mod buckets;
mod zones;

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::{Observation, Provider, Refusal, VendorThing};

use crate::cloudflare::Vendor;
use crate::dnsimple;
use crate::engine::{Engine, parameters, refusal};

/// A name as an instance of another installation would have it.
const FOREIGN: &str = "their-0123456789abcdef01234567";

/// Everything on all pages, and how many pages there were.
pub(crate) async fn all(engine: &Engine) -> (Vec<VendorThing>, usize) {
    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = engine.discovery().page(cursor.as_deref()).await.unwrap();
        found.extend(page.objects);
        pages += 1;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (found, pages),
        }
    }
}

/// A fake whose changes and objects can be counted.
trait Watched {
    fn changes(&self) -> u64;
    fn count(&self) -> usize;
}

impl Watched for Vendor {
    fn changes(&self) -> u64 {
        self.changes()
    }

    fn count(&self) -> usize {
        self.objects().len()
    }
}

impl Watched for dnsimple::Vendor {
    fn changes(&self) -> u64 {
        self.changes()
    }

    fn count(&self) -> usize {
        self.objects().len()
    }
}

/// What there is to be found, and how the one to be taken over is told.
struct Hoard {
    provider: Arc<dyn Provider>,
    objects: usize,
    pages: Pages,
    name: &'static str,
    /// What no look tells, such as a password.
    more: Value,
}

/// On how many pages it is listed.
#[derive(Debug, PartialEq)]
enum Pages {
    One,
    Several,
}

impl Hoard {
    fn of(provider: Arc<dyn Provider>, (objects, pages): (usize, Pages), name: &'static str) -> Self {
        Self { provider, objects, pages, name, more: json!({}) }
    }
}

/// Finds all, and takes one over. Gives what was adopted.
async fn is_found_and_taken_over(vendor: &impl Watched, hoard: Hoard) -> Engine {
    let mut engine = Engine::new(hoard.provider, &json!({}));
    let before = vendor.changes();
    let (found, pages) = all(&engine).await;
    assert_eq!(found.len(), hoard.objects);
    assert_eq!(if pages > 1 { Pages::Several } else { Pages::One }, hoard.pages, "{pages} pages");
    let picked = found.iter().find(|thing| thing.name == hoard.name).unwrap();
    assert_eq!((&picked.mark, &picked.not_adoptable), (&None, &None));
    let described = engine.discovery().object(&picked.id).await.unwrap().unwrap();
    let mut wanted = Value::Object(described.parameters);
    for (name, value) in hoard.more.as_object().unwrap() {
        match value.as_object() {
            Some(inner) => inner.iter().for_each(|(inner, value)| wanted[name][inner] = value.clone()),
            None => wanted[name] = value.clone(),
        }
    }
    engine.instance.parameters = parameters(&wanted);
    engine.adopt(&picked.id).await.unwrap();
    assert_eq!(engine.discovery().object_of(&engine.instance).as_ref(), Some(&picked.id));
    let Observation::Found { drift, .. } = engine.fetch().await else { panic!("it is there") };
    assert_eq!(drift, []);
    // a plan without changes
    engine.update(&wanted).await;
    assert_eq!(vendor.changes(), before, "nothing was changed");
    engine
}

/// It is an instance now: deleting it deletes it, and nothing else.
async fn goes_alone(vendor: &impl Watched, engine: &Engine) {
    let before = vendor.count();
    engine.deprovision().await.unwrap();
    assert_eq!(engine.fetch().await, Observation::Gone);
    assert_eq!(vendor.count(), before - 1);
}

/// What carries a mark, what is not there and what is of another form is not taken over.
async fn others_are_refused(provider: Arc<dyn Provider>, wanted: &Value, nobody: &str) {
    let mut engine = Engine::new(provider, wanted);
    let (found, _) = all(&engine).await;
    let marked = found.iter().find(|thing| thing.name == FOREIGN).unwrap();
    assert_eq!(marked.mark.as_deref(), FOREIGN.strip_prefix("their-"));
    let ended = engine.adopt(&marked.id).await;
    assert_eq!(refusal(&ended).unwrap().0, Refusal::Conflict);
    for absent in [nobody, "../../tokens", ""] {
        assert_eq!(engine.discovery().object(absent).await.unwrap(), None, "{absent}");
        let ended = engine.adopt(absent).await;
        let (why, told) = refusal(&ended).unwrap();
        assert!(why == Refusal::Unsupported && told.contains("there is no"), "{absent}: {told}");
    }
}

/// What is asked for differs from what is there: refused by name.
async fn unlike_is_refused(engine: Engine, wanted: &Value, field: &str) {
    let id = engine.discovery().object_of(&engine.instance).unwrap();
    let mut engine = engine;
    (engine.instance.parameters, engine.instance.record) = (parameters(wanted), None);
    let ended = engine.adopt(&id).await;
    let (why, told) = refusal(&ended).unwrap();
    assert!(why == Refusal::Unsupported && told.contains(field), "{told}");
}

const NOBODY: &str = "ffffffffffffffffffffffffffffffff";
