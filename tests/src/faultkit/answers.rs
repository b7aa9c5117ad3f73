//! F11: answers that no vendor should give, byte by byte.

/// The names of all bad answers.
pub const BAD_ANSWERS: &[&str] = &[
    "429-0",
    "429-negative",
    "429-float",
    "429-date",
    "429-garbage",
    "429-none",
    "500",
    "502",
    "503",
    "504",
    "599",
    "999",
    "100",
    "301",
    "302",
    "304",
    "empty",
    "html",
    "wrong-type",
    "invalid-utf8",
    "deep",
    "number",
    "array",
    "no-success",
    "success-null",
    "half-json",
    "longer-than-said",
    "shorter-than-said",
    "two-lengths",
    "chunk-lies",
    "no-head",
    "garbage",
    "nul",
    "huge-header",
    "said-huge",
];

/// Answers that mean something to whoever writes under a condition. No vendor gives them to a broker.
const OF_CONDITIONS: [&str; 2] = ["409", "412"];

/// The bytes of a bad answer.
#[must_use]
pub(super) fn answer(name: &str) -> Option<Vec<u8>> {
    if OF_CONDITIONS.contains(&name) {
        return Some(whole(&format!("{name} Not So"), "", b""));
    }
    if !BAD_ANSWERS.contains(&name) {
        return None;
    }
    Some(match name.split_once('-') {
        Some(("429", after)) => throttled(after),
        _ => other(name),
    })
}

fn throttled(after: &str) -> Vec<u8> {
    let header = match after {
        "0" => "Retry-After: 0\r\n",
        "negative" => "Retry-After: -1\r\n",
        "float" => "Retry-After: 1e12\r\n",
        "date" => "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n",
        "garbage" => "Retry-After: soon\u{7f}\r\n",
        _ => "",
    };
    let body =
        r#"{"success":false,"errors":[{"code":971,"message":"slow down"}],"messages":[],"result":null}"#;
    whole("429 Too Many Requests", &format!("{header}Content-Type: application/json\r\n"), body.as_bytes())
}

fn other(name: &str) -> Vec<u8> {
    const JSON: &str = "Content-Type: application/json\r\n";
    const HTML: &[u8] = b"<html><body><h1>the edge could not reach the origin</h1></body></html>";
    match name {
        "500" | "502" | "503" | "504" | "599" | "999" => {
            whole(&format!("{name} Failing"), "Content-Type: text/html\r\n", HTML)
        }
        "100" => b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50),
        "301" | "302" => {
            whole(&format!("{name} Elsewhere"), "Location: http://127.0.0.1:9/latest/meta-data\r\n", b"")
        }
        "304" => b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec(),
        "html" => whole("200 OK", "Content-Type: text/html\r\n", HTML),
        "wrong-type" => whole("200 OK", "Content-Type: image/png\r\n", b"\x89PNG"),
        "invalid-utf8" => whole("200 OK", JSON, b"{\"success\":true,\"result\":\"\xff\xfe\"}"),
        "deep" => whole("200 OK", JSON, "[".repeat(100_000).as_bytes()),
        "number" => whole("200 OK", JSON, b"1e400"),
        "array" => whole("200 OK", JSON, b"[]"),
        "no-success" => whole("200 OK", JSON, b"{\"result\":{}}"),
        "success-null" => whole("200 OK", JSON, b"{\"success\":null,\"errors\":null,\"result\":null}"),
        "half-json" => whole("200 OK", JSON, b"{\"success\":true,\"result\":{\"id\":\"x\","),
        "longer-than-said" => {
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{\"success\":true}".to_vec()
        }
        "shorter-than-said" => b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{\"success\":true}".to_vec(),
        "two-lengths" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}xyz".to_vec(),
        "chunk-lies" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n{}".to_vec(),
        "no-head" => b"{\"success\":true}".to_vec(),
        "garbage" => (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
        "nul" => whole("200 OK", JSON, &[0; 64]),
        "huge-header" => {
            let header = format!("X-Long: {}\r\n", "x".repeat(600_000));
            whole("200 OK", &header, b"{}")
        }
        "said-huge" => b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{\"success\":true".to_vec(),
        _ => whole("200 OK", "", b""),
    }
}

fn whole(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n",
        length = body.len()
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_answer_has_bytes_of_its_own() {
        let mut all: Vec<Vec<u8>> = BAD_ANSWERS.iter().map(|name| answer(name).unwrap()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), BAD_ANSWERS.len());
        assert_eq!(answer("nice"), None);
    }
}
