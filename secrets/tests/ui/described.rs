//! What users are told is text: the description of a step's progress, of an error.
struct Progress {
    description: String,
}

fn main() {
    let password = sutler_secrets::SecretString::from("hunter2");
    let progress = Progress { description: password };
    let _ = progress.description;
}
