//! An error that quotes it cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{password} is wrong")]
struct Wrong {
    password: sutler_secrets::SecretString,
}

fn main() {}
