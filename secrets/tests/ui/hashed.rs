//! A hash without a key can be tried out.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = std::collections::HashSet::from([password]);
}
