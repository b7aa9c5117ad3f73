//! A log takes texts and numbers.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    tracing::info!(password, "logged in");
}
