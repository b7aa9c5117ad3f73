//! Not in a document that is built by hand, either.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = serde_json::json!({ "password": password });
}
