//! A secret is not data.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = serde_json::to_string(&password);
}
