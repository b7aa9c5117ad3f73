//! It does not become a part of a text, either.
fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let _ = "the password is ".to_owned() + &password;
}
