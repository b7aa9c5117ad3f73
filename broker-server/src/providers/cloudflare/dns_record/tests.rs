//! An adopted record is of its set whatever its comment says, unless it is of another set by now.

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer,
    matchers::{method, path},
};

use super::{super::staging::*, *};

const ZONE: &str = "0a0b0c0d0e0f00112233445566778899";
const RECORD: &str = "11111111111111111111111111111111";

fn shown(comment: &str) -> Value {
    json!({
        "id": RECORD, "name": "www.example.com", "type": "A", "content": "192.0.2.1", "ttl": 1, "proxied": false,
        "comment": comment,
    })
}

#[tokio::test]
async fn an_adopted_record_is_deleted_with_its_set_and_not_when_it_is_of_another_by_now() {
    for (comment, is_ours) in
        [("by hand", true), ("osb:", true), ("osb:0123456789abcdef0123456789abcdef", false)]
    {
        let server = MockServer::start().await;
        let list = format!("/zones/{ZONE}/dns_records");
        Mock::given(method("GET")).and(path(&list)).respond_with(page(json!([]), 0)).mount(&server).await;
        let one = format!("{list}/{RECORD}");
        Mock::given(method("GET")).and(path(&one)).respond_with(ok(shown(comment))).mount(&server).await;
        let batch = format!("{list}/batch");
        Mock::given(method("POST")).and(path(&batch)).respond_with(ok(json!({}))).mount(&server).await;
        let provider = DnsRecord::new(&client(&server.uri()));
        let records = json!([{ "name": "www.example.com", "type": "A", "content": "192.0.2.1" }]);
        let stage = Stage::new(&provider, &server, json!({ "zone_id": ZONE, "records": records }));
        let comment = format!("osb:{}", stage.marker.hex(32));
        let stage = stage.with_record(json!({ "zone_id": ZONE, "comment": comment, "adopted": RECORD }));
        stage.deprovision().await.done();
        let expected: &[String] = &[format!("POST {batch}")];
        assert_eq!(changes(&server).await, expected[..usize::from(is_ours)]);
    }
}
