//! A copy is made on purpose: `duplicate`.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _copy: sutler_secrets::SecretString = password.clone();
}
