//! The catalog as a whole: `GET /v2/catalog`.

use serde_json::Value;

use super::super::{
    answer::Answer,
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::Offer,
    trial::Trial,
};

const CATALOG: &str = "/v2/catalog";

checks! {
    "B-CAT-01" is_answered ReadOnly "The catalog is answered with 200 and a JSON object";
    "B-CAT-02" has_services ReadOnly "The catalog has an array of services";
    "B-CAT-03" may_change ReadOnly "A second catalog is as well-formed as the first";
    "B-CAT-04" ids_stay Answers "Offerings and plans have kept their ids through the run";
    "B-CAT-05" stays_in_use Answers "Everything that was used is still offered";
    "B-CAT-06" texts_are_short ReadOnly "Names, ids, descriptions and tags have 255 characters at most";
    "B-CAT-07" unchanged_is_304 ReadOnly "What has not changed is answered with 304, without a body";
    "B-CAT-07.precedence" etag_goes_first ReadOnly "If-None-Match counts more than If-Modified-Since";
    "B-CAT-08" names_with_case ReadOnly "Names are unique as they are written, and ids are not found in another case";
    "B-CAT-09" names_are_easy ReadOnly "Names have letters, digits, periods and hyphens only, and begin with one of the first two";
}

async fn is_answered(t: &Trial) -> Verdict {
    t.get(CATALOG).send().await?.is(&[200])?.object().map(|_| ())
}

async fn has_services(t: &Trial) -> Verdict {
    let answer = t.get(CATALOG).send().await?;
    ensure(answer.member("services").is_some_and(Value::is_array), || {
        "there is no array 'services'".to_owned()
    })
}

async fn may_change(t: &Trial) -> Verdict {
    let answer = t.get(CATALOG).send().await?;
    answer.is(&[200])?.object()?;
    let same = answer.json == t.bench.catalog.json;
    t.note(if same { "the same" } else { "another one" });
    Ok(())
}

fn key(offer: &Offer) -> String {
    offer.name()
}

async fn ids_stay(t: &Trial) -> Verdict {
    let now = t.get(CATALOG).send().await?;
    let now = now.json.as_ref().map(Offer::all).unwrap_or_default();
    let moved = t.bench.offers.iter().filter(|before| {
        let same_name = now.iter().find(|after| key(after) == key(before));
        same_name.is_some_and(|after| {
            after.plan_id() != before.plan_id() || after.service_id() != before.service_id()
        })
    });
    none(&moved.map(key).collect::<Vec<_>>())
}

async fn stays_in_use(t: &Trial) -> Verdict {
    let now = t.get(CATALOG).send().await?;
    let now = now.json.as_ref().map(Offer::all).unwrap_or_default();
    let used = t.bench.wire.answers();
    let used: Vec<&str> = used
        .iter()
        .flat_map(|answer| answer.query.iter().filter(|(key, _)| key == "plan_id"))
        .map(|(_, id)| id.as_str())
        .collect();
    let lost = t.bench.offers.iter().filter(|offer| used.contains(&offer.plan_id()));
    none(
        &lost
            .filter(|offer| !now.iter().any(|other| other.plan_id() == offer.plan_id()))
            .map(key)
            .collect::<Vec<_>>(),
    )
}

async fn texts_are_short(t: &Trial) -> Verdict {
    let mut long = Vec::new();
    for offer in &t.bench.offers {
        for object in [&offer.service, &offer.plan] {
            let texts = ["name", "id", "description"].map(|key| &object[key]).into_iter();
            for text in texts.chain(object["tags"].as_array().into_iter().flatten()).filter_map(Value::as_str)
            {
                if text.chars().count() > 255 {
                    long.push(format!("{}: “{}…”", offer.name(), text.chars().take(40).collect::<String>()));
                }
            }
        }
    }
    none(&long)
}

/// The validators of the catalog.
async fn validated(t: &Trial) -> Result<(Option<String>, Option<String>), Finding> {
    let answer = t.get(CATALOG).send().await?;
    let [etag, modified] = ["etag", "last-modified"].map(|name| answer.header(name).map(str::to_owned));
    if etag.is_none() && modified.is_none() {
        return Err(Finding::skipped("the catalog has neither ETag nor Last-Modified"));
    }
    Ok((etag, modified))
}

fn is_unchanged(answer: &Answer, validator: &str) -> Verdict {
    answer.is(&[304])?;
    ensure(answer.body.is_empty(), || format!("{} with a body", answer.said()))?;
    ensure(answer.header(validator).is_some(), || format!("{} without {validator}", answer.said()))
}

async fn unchanged_is_304(t: &Trial) -> Verdict {
    let (etag, modified) = validated(t).await?;
    if let Some(etag) = etag {
        let weak = format!("W/{}", etag.trim_start_matches("W/"));
        let list = format!("\"surely-not-this\", {etag}");
        for tags in [etag.as_str(), &weak, &list, "*"] {
            is_unchanged(&t.get(CATALOG).header("if-none-match", tags).send().await?, "etag")?;
        }
        t.get(CATALOG).header("if-none-match", "\"surely-not-this\"").send().await?.is(&[200])?;
    }
    if let Some(modified) = modified {
        is_unchanged(&t.get(CATALOG).header("if-modified-since", modified).send().await?, "last-modified")?;
        let past = "Thu, 01 Jan 1970 00:00:01 GMT";
        t.get(CATALOG).header("if-modified-since", past).send().await?.is(&[200])?;
    }
    Ok(())
}

async fn etag_goes_first(t: &Trial) -> Verdict {
    let (Some(_), Some(modified)) = validated(t).await? else {
        return Err(Finding::skipped("the catalog has only one of ETag and Last-Modified"));
    };
    let call = t.get(CATALOG).header("if-none-match", "\"surely-not-this\"");
    call.header("if-modified-since", modified).send().await?.is(&[200]).map(|_| ())
}

async fn names_with_case(t: &Trial) -> Verdict {
    let mut names: Vec<String> = t.bench.offers.iter().map(key).collect();
    names.sort();
    let twice: Vec<String> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect();
    none(&twice)?;
    let offer = t.default_offer()?;
    let mut body = t.provision_body(&offer);
    let other = swapped(offer.service_id());
    if other == offer.service_id() {
        return Ok(());
    }
    body["service_id"] = Value::String(other);
    let instance = t.instance(&offer);
    let call = t.call(http::Method::PUT, instance.path()).json(&body).query("accepts_incomplete", "true");
    call.send().await?.is(&[400]).map(|_| ())
}

fn swapped(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}

fn is_easy(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

async fn names_are_easy(t: &Trial) -> Verdict {
    let names = t.bench.offers.iter().flat_map(|offer| [offer.service_name(), offer.plan_name()]);
    none(&names.filter(|name| !is_easy(name)).map(str::to_owned).collect::<Vec<_>>())
}
