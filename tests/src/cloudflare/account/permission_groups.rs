//! The permission groups a policy may name, with their published ids.

use serde_json::{Value, json};

const ACCOUNT: &str = "com.cloudflare.api.account";
const ZONE: &str = "com.cloudflare.api.account.zone";
const BUCKET: &str = "com.cloudflare.edge.r2.bucket";

/// The product, its scope, and the ids of its read and write groups.
type Row = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

#[rustfmt::skip]
const PRODUCTS: [Row; 20] = [
    ("D1", ACCOUNT, Some("192192df92ee43ac90f2aeeffce67e35"), Some("09b2857d1c31407795e75e3fed8617a1")),
    ("Workers KV Storage", ACCOUNT, Some("8b47d2786a534c08a1f94ee8f9f599ef"), Some("f7f0eda5697f475c90846e879bab8666")),
    ("Workers R2 Storage", ACCOUNT, Some("b4992e1108244f5d8bfbd5744320c2e1"), Some("bf7481a1826f439697cb59a20b22293e")),
    ("Workers R2 Storage Bucket Item", BUCKET, Some("6a018a9f2fc74eb6b293b0c548f38b39"), Some("2efd5506f9c8494dacb1fa10a3e7d5b6")),
    ("Queues", ACCOUNT, Some("84a7755d54c646ca87cd50682a34bf7c"), Some("366f57075ffc42689627bcf8242a1b6d")),
    ("Vectorize", ACCOUNT, Some("1799edaae5db489294430e20d9b519e0"), Some("64156ba5be47441096c83c7fc17c488b")),
    ("Turnstile Sites", ACCOUNT, Some("5d78fd7895974fd0bdbbbb079482721b"), Some("755c05aa014b4f9ab263aa80b8167bd8")),
    ("Hyperdrive", ACCOUNT, Some("4d62ccf834df44808bc9283d65c4e4e9"), Some("721b2f51fba74871bd361de65aeb7e03")),
    ("Pages", ACCOUNT, Some("e247aedd66bd41cc9193af0213416666"), Some("8d28297797f24fb8a0c332fe0866ec89")),
    ("Workers Scripts", ACCOUNT, Some("1a71c399035b4950a1bd1466bbe4f420"), Some("e086da7e2179491d91ee5f35b3ca210a")),
    ("Workers Routes", ZONE, None, Some("28f4b596e7d643029c524985477ae49a")),
    ("DNS", ZONE, Some("82e64a83756745bbbb1c9c2701bf816b"), Some("4755a26eedb94da69e1066d98aa820be")),
    ("Zone", ZONE, Some("c8fed203ed3043cba015a93ad1616f1f"), Some("e6d2666161e84845a636613608cee8d5")),
    ("Zone Settings", ZONE, None, Some("3030687196b94b638145a3953da2b699")),
    ("SSL and Certificates", ZONE, None, Some("c03055bc037c4ea9afb9a9f104b7b721")),
    ("Dynamic URL Redirects", ZONE, Some("d8e12db741544d1586ec1d6f5d3c7786"), Some("74e1036f577a48528b78d2413b40538d")),
    ("Registrar Domains", ACCOUNT, Some("9bb90620717647a39679e1d951f140d6"), None),
    ("Account Settings", ACCOUNT, Some("c1fde68c7bcc44588cbb6ddbc16d6480"), None),
    ("Secrets Store", ACCOUNT, Some("5e33b7d77788455c9fdf18cbd38ee5a0"), Some("adc8fa2bc6124928a8b3314dc63a1235")),
    ("Account API Tokens", ACCOUNT, Some("eb56a6953c034b9d97dd838155666f06"), Some("5bc3f8b21c554832afc660159ab75fa4")),
];

/// One permission group.
pub(super) struct PermissionGroup {
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) scope: &'static str,
}

impl PermissionGroup {
    pub(super) fn shown(&self) -> Value {
        json!({"id": self.id, "name": self.name, "scopes": [self.scope]})
    }
}

/// All permission groups.
pub(super) fn all() -> impl Iterator<Item = PermissionGroup> {
    PRODUCTS.iter().flat_map(|(product, scope, read, write)| {
        let group = move |id: Option<&'static str>, verb: &str| {
            id.map(|id| PermissionGroup { id, name: format!("{product} {verb}"), scope })
        };
        [group(*read, "Read"), group(*write, "Write")].into_iter().flatten()
    })
}

/// The name of the group with this id.
pub(super) fn name(id: &str) -> Option<String> {
    all().find(|group| group.id == id).map(|group| group.name)
}
