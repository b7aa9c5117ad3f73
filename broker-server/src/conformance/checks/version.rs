//! The version header.

use super::super::{
    check::checks,
    finding::{Verdict, ensure},
    trial::Trial,
};

const VERSION: &str = "x-broker-api-version";
const CATALOG: &str = "/v2/catalog";

checks! {
    "B-VER-01" any_minor_version ReadOnly "Clients of 2.0 to 2.17, and of later minor versions, are served";
    "B-VER-02" unsupported_version ReadOnly "A major version that is not served is refused with 412 and a message";
    "B-VER-03" missing_header ReadOnly "A request without the header is served, or refused with a message";
    "B-VER-04" exact_codes ReadOnly "400 is for an absent header, 412 for a version; the absent one may be 412 as before 2.16";
}

async fn any_minor_version(t: &Trial) -> Verdict {
    for version in ["2.0", "2.13", "2.16", "2.17", "2.18", "2.99"] {
        t.get(CATALOG).header(VERSION, version).send().await?.is(&[200])?;
    }
    Ok(())
}

async fn unsupported_version(t: &Trial) -> Verdict {
    for version in ["1.0", "3.0"] {
        let answer = t.get(CATALOG).header(VERSION, version).send().await?;
        answer.is(&[200, 412])?;
        if answer.status == 412 {
            ensure(answer.text("description").is_some(), || format!("{} without a message", answer.said()))?;
            t.note(format!("{version} is refused"));
        }
    }
    Ok(())
}

async fn missing_header(t: &Trial) -> Verdict {
    let answer = t.get(CATALOG).without(VERSION).send().await?;
    answer.is(&[200, 400, 412])?;
    t.note(format!("answers {}", answer.status));
    ensure(answer.status == 200 || answer.text("description").is_some(), || {
        format!("{} without a message", answer.said())
    })
}

async fn exact_codes(t: &Trial) -> Verdict {
    let absent = t.get(CATALOG).without(VERSION).send().await?;
    absent.is(&[200, 400, 412])?;
    for version in ["1.0", "3.0", "two"] {
        t.get(CATALOG).header(VERSION, version).send().await?.is(&[200, 412])?;
    }
    t.note(format!("absent: {}", absent.status));
    Ok(())
}
