//! Nor as a part of something that is data.
#[derive(serde::Serialize)]
struct Account {
    name: String,
    password: sutler_secrets::SecretString,
}

fn main() {}
