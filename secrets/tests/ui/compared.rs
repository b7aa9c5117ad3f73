//! A comparison takes a time that tells how much is right: compare tags.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = password == sutler_secrets::SecretString::from("hunter3");
}
