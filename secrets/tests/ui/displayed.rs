//! A secret is not text.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = format!("the password is {password}");
}
