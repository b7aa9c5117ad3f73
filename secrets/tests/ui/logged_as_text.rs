//! Nor is there a text to be logged.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    tracing::info!(%password, "logged in");
}
