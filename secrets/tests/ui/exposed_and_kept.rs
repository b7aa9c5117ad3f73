//! What is exposed is borrowed, and does not outlive the secret.
fn main() {
    let kept: &String = {
        let password = sutler_secrets::SecretString::from("hunter2");
        password.expose()
    };
    let _ = kept.len();
}
