//! Proof that checks can fail: each fault of a wrong broker is found by the checks that are for it.

use base64::Engine as _;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use sutler_broker_server::conformance::{Extent, Report, Verdict};

use crate::{
    proxy::{Answer, Request, Spoil, serve},
    runs::with_broker,
    world::PASSWORD,
};

/// Something wrong, and the checks that must say so. Further ids only give those something to look at.
struct Fault {
    name: &'static str,
    found_by: &'static [&'static str],
    prepared_by: &'static [&'static str],
    spoil: Spoil,
}

const fn answers(answer: fn(&Request, &mut Answer, usize)) -> Spoil {
    Spoil { request: |_| {}, answer }
}

const fn requests(request: fn(&mut Request)) -> Spoil {
    Spoil { request, answer: |_, _, _| {} }
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "a_provision_answered_with_an_array",
        found_by: &["B-PROV-01", "Q-01"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("PUT") && answer.status == 201 {
                answer.body = b"[]".to_vec();
            }
        }),
    },
    Fault {
        name: "another_word_for_async_required",
        found_by: &["B-PROV-08", "B-SYN-07.provision", "B-SYN-07.bind", "B-BIND-16", "B-DEP-08"],
        prepared_by: &[],
        spoil: answers(|_, answer, _| {
            answer.edit(|body| {
                if body["error"] == "AsyncRequired" {
                    body["error"] = json!("NeedsAsync");
                }
            });
        }),
    },
    Fault {
        name: "credentials_in_a_202",
        found_by: &["B-BIND-20"],
        prepared_by: &["B-BIND-19"],
        spoil: answers(|request, answer, _| {
            if request.is("PUT", "service_bindings") && answer.status == 202 {
                answer.edit(|body| body["credentials"] = json!({ "too": "early" }));
            }
        }),
    },
    Fault {
        name: "a_poll_without_a_state",
        found_by: &["B-LOI-02", "B-LOI-06"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "last_operation") {
                answer.edit(|body| {
                    body.as_object_mut().unwrap().remove("state");
                });
            }
        }),
    },
    Fault {
        name: "a_state_of_its_own",
        found_by: &["B-LOI-06", "B-LOB-03"],
        prepared_by: &["B-LOI-02", "B-LOB-02"],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "last_operation") {
                answer.edit(|body| {
                    if body["state"] == "in progress" {
                        body["state"] = json!("in_progress");
                    }
                });
            }
        }),
    },
    Fault {
        name: "unknown_things_are_not_found_rather_than_gone",
        found_by: &["B-DEP-07", "B-UNB-06", "B-ORP-03"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.method == "DELETE" && answer.status == 410 {
                answer.status = 404;
            }
        }),
    },
    Fault {
        name: "every_repeat_has_another_operation",
        found_by: &["B-PROV-12", "B-UPD-12", "B-BIND-19", "B-UNB-05.running", "B-DEP-06.running", "B-CON-04"],
        prepared_by: &[],
        spoil: Spoil {
            request: |request| {
                if let Some(at) = request.target.find("%7E") {
                    request.target.truncate(at);
                }
            },
            answer: |_, answer, count| {
                answer.edit(|body| {
                    if let Some(Value::String(operation)) = body.get("operation").cloned() {
                        body["operation"] = json!(format!("{operation}~{count}"));
                    }
                });
            },
        },
    },
    Fault {
        name: "other_attributes_are_taken_for_the_same",
        found_by: &["B-PROV-13", "B-PROV-14.space", "B-BIND-21"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.method == "PUT" && answer.status == 409 {
                (answer.status, answer.body) = (200, b"{}".to_vec());
            }
        }),
    },
    Fault {
        name: "an_error_that_is_no_word",
        found_by: &["B-ERR-03"],
        prepared_by: &["B-PROV-15"],
        spoil: answers(|_, answer, _| {
            if answer.status == 400 {
                answer.edit(|body| body["error"] = json!("bad request"));
            }
        }),
    },
    Fault {
        name: "an_empty_description",
        found_by: &["B-ERR-04"],
        prepared_by: &["B-PROV-15"],
        spoil: answers(|_, answer, _| {
            if answer.status == 400 {
                answer.edit(|body| body["description"] = json!(""));
            }
        }),
    },
    Fault {
        name: "flags_where_they_must_not_be",
        found_by: &["B-ERR-05", "B-ERR-06", "B-PROV-19"],
        prepared_by: &["B-PROV-15"],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("PUT") && answer.status == 400 {
                answer.edit(|body| {
                    (body["instance_usable"], body["update_repeatable"]) = (json!(true), json!(true))
                });
            }
        }),
    },
    Fault {
        name: "the_request_identity_is_not_repeated",
        found_by: &["B-RID-02", "B-RID-02.all"],
        prepared_by: &[],
        spoil: answers(|_, answer, _| answer.header("x-broker-api-request-identity", None)),
    },
    Fault {
        name: "a_catalog_with_mistakes",
        found_by: &["B-CPL-01", "B-CSV-13", "B-CSV-04", "B-CSC-02", "B-CMI-01", "Q-13", "B-CAT-09"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "/v2/catalog") {
                answer.edit(spoiled_catalog);
            }
        }),
    },
    Fault {
        name: "a_time_in_another_form",
        found_by: &["B-BRO-02", "B-BRO-03"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is("PUT", "service_bindings") {
                answer.edit(|body| {
                    if body["metadata"]["expires_at"].is_string() {
                        body["metadata"]["expires_at"] = json!("2030-01-01T00:00:00Z");
                    }
                });
            }
        }),
    },
    Fault {
        name: "everybody_is_let_in",
        found_by: &["B-AUTH-01", "B-AUTH-03", "B-AUTH-04"],
        prepared_by: &[],
        spoil: requests(|request| {
            let proof = base64::engine::general_purpose::STANDARD.encode(format!("platform:{PASSWORD}"));
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            request.headers.push(("authorization".to_owned(), format!("Basic {proof}")));
        }),
    },
    Fault {
        name: "the_maintenance_version_is_not_looked_at",
        found_by: &["B-PROV-07", "B-PROV-07.build", "B-UPD-08"],
        prepared_by: &[],
        spoil: requests(|request| {
            request.edit(|body| {
                body.as_object_mut().map(|body| body.remove("maintenance_info"));
            });
        }),
    },
    Fault {
        name: "validators_that_are_ignored",
        found_by: &["B-CAT-07"],
        prepared_by: &[],
        spoil: requests(|request| {
            request.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("if-"))
        }),
    },
    Fault {
        name: "an_instance_shown_too_early",
        found_by: &["B-FIN-04"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("GET") && answer.status == 404 {
                (answer.status, answer.body) = (200, b"{}".to_vec());
            }
        }),
    },
    Fault {
        name: "a_date_in_retry_after_and_a_null_operation",
        found_by: &["B-LOI-10", "Q-20", "Q-02"],
        prepared_by: &["B-LOI-02", "B-SYN-04"],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "last_operation") {
                answer.header("retry-after", Some("Wed, 21 Oct 2026 07:28:00 GMT"));
            } else if answer.status == 201 {
                answer.edit(|body| body["operation"] = Value::Null);
            }
        }),
    },
    Fault {
        name: "bodies_of_another_type",
        found_by: &["B-CT-01"],
        prepared_by: &[],
        spoil: answers(|_, answer, _| answer.header("content-type", Some("text/html"))),
    },
    Fault {
        name: "unprocessable_rather_than_bad",
        found_by: &[
            "B-PROV-04",
            "B-PROV-05",
            "B-PROV-15",
            "B-CT-03",
            "B-UPD-03",
            "B-BIND-12",
            "B-DEP-05",
            "B-UNB-04",
        ],
        prepared_by: &[],
        spoil: answers(|_, answer, _| {
            if answer.status == 400 {
                answer.status = 422;
            }
        }),
    },
    Fault {
        name: "a_repeat_is_told_that_it_made_the_instance",
        found_by: &["B-PROV-10", "B-PROV-10.crowd", "B-SYN-05"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("PUT") && answer.status == 200 {
                answer.status = 201;
            }
        }),
    },
    Fault {
        name: "ports_that_are_numbers",
        found_by: &["B-BRO-07"],
        prepared_by: &["B-BIND-17"],
        spoil: answers(|request, answer, _| {
            if request.is("PUT", "service_bindings") {
                answer.edit(|body| {
                    if body["endpoints"].is_array() {
                        body["endpoints"][0]["ports"] = json!([443]);
                    }
                });
            }
        }),
    },
    Fault {
        name: "a_dashboard_that_is_told_late",
        found_by: &["B-PROV-16"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("PUT") {
                answer.edit(|body| {
                    body.as_object_mut().map(|body| body.remove("dashboard_url"));
                });
            }
        }),
    },
    Fault {
        name: "one_dashboard_for_all",
        found_by: &["B-PROV-16.each", "B-UPD-17.async"],
        prepared_by: &["B-PROV-16"],
        spoil: answers(|request, answer, _| {
            if request.is_of_instance("PUT") && answer.status < 300 {
                answer.edit(|body| body["dashboard_url"] = json!("https://dashboard.example/all"));
            } else if request.is_of_instance("PATCH") {
                answer.edit(|body| {
                    body.as_object_mut().map(|body| body.remove("dashboard_url"));
                });
            }
        }),
    },
    Fault {
        name: "a_route_where_none_is_required",
        found_by: &["B-BIND-08", "B-BRO-09"],
        prepared_by: &["B-BIND-17", "B-BIND-07"],
        spoil: answers(|request, answer, _| {
            if request.is("PUT", "service_bindings") && answer.status < 202 {
                answer.edit(|body| body["route_service_url"] = json!("https://route.example"));
            }
        }),
    },
    Fault {
        name: "a_password_in_the_metadata_of_a_binding",
        found_by: &["B-BRO-01"],
        prepared_by: &["B-BIND-17"],
        spoil: answers(|request, answer, _| {
            if request.is("PUT", "service_bindings") && answer.status < 202 {
                answer.edit(|body| body["metadata"] = json!({ "x-note": body["credentials"]["password"] }));
            }
        }),
    },
    Fault {
        name: "another_media_type_is_not_supported",
        found_by: &["B-CT-03.type"],
        prepared_by: &[],
        spoil: Spoil {
            request: |_| {},
            answer: |request, answer, _| {
                let types =
                    request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                if types.into_iter().any(|(_, value)| value == "text/plain") {
                    answer.status = 415;
                }
            },
        },
    },
    Fault {
        name: "a_dashboard_client_without_a_secret_and_a_bare_field",
        found_by: &["B-PROF-11", "Q-16", "B-EXT-04", "B-PROF-04", "B-CSC-05"],
        prepared_by: &["B-PROV-01"],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "/v2/catalog") {
                answer.edit(|body| {
                    body["mine"] = json!(1);
                    body["services"][0]["dashboard_client"] = json!({ "id": "one" });
                    let plan = &mut body["services"][0]["plans"][0];
                    plan["metadata"]["costs"] = json!([{ "amount": {}, "unit": "MONTHLY" }]);
                    plan["schemas"]["service_instance"]["create"]["parameters"]["$schema"] =
                        json!("https://json-schema.org/draft/2020-12/schema");
                });
            }
        }),
    },
    Fault {
        name: "an_expired_binding_counts_as_a_predecessor",
        found_by: &["B-ROT-03.expired"],
        prepared_by: &[],
        spoil: Spoil {
            request: |request| {
                request.edit(|body| {
                    if body["parameters"]["lifetime_seconds"] == 1 {
                        body["parameters"]["lifetime_seconds"] = json!(3_600);
                    }
                });
            },
            answer: |_, answer, _| {
                answer.edit(|body| {
                    if body["metadata"]["expires_at"].is_string() {
                        body["metadata"]["expires_at"] = json!("2020-01-01T00:00:00.0Z");
                    }
                });
            },
        },
    },
    Fault {
        name: "every_deletion_of_many_is_an_operation_of_its_own",
        found_by: &["B-UNB-05.crowd", "B-UPD-12.crowd"],
        prepared_by: &[],
        spoil: answers(|request, answer, count| {
            if request.method == "DELETE" && answer.status == 410 {
                answer.status = 404;
            } else if request.is_of_instance("PATCH") && answer.status == 202 {
                answer.edit(|body| body["operation"] = json!(format!("operation-{count}")));
            }
        }),
    },
    Fault {
        name: "an_answer_of_a_malfunction",
        found_by: &["B-LOI-04", "Q-10", "B-URL-01"],
        prepared_by: &[],
        spoil: answers(|request, answer, _| {
            if request.is("GET", "last_operation") && answer.status == 404 {
                answer.status = 500;
            }
        }),
    },
];

fn spoiled_catalog(body: &mut Value) {
    let Some(plans) = body["services"][0]["plans"].as_array_mut() else { return };
    let first = plans[0]["id"].clone();
    plans[1]["id"] = first;
    plans[1]["name"] = json!("a name with blanks");
    for plan in plans.iter_mut() {
        plan.as_object_mut().map(|plan| plan.remove("free"));
        if plan["maintenance_info"].is_object() {
            plan["maintenance_info"]["version"] = json!("2.1");
        }
    }
    plans[0]
        .pointer_mut("/schemas/service_instance/create/parameters")
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("$schema");
    let service = &mut body["services"][0];
    service["plan_updatable"] = json!(true);
    service.as_object_mut().unwrap().remove("bindable");
}

/// Runs only these checks against our broker, spoiled.
fn checked(ids: &[&str], spoil: Spoil) -> Report {
    let (url, mut options) = with_broker(|broker| (broker.url.clone(), broker.options("")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        options.url = serve(url, spoil).await;
        options.only = ids.iter().map(|id| (*id).to_owned()).collect();
        options.extent = Extent::Chaos;
        sutler_broker_server::conformance::run(options).await.unwrap()
    })
}

fn is_found(fault: &Fault) -> Result<(), Failed> {
    let ids = [fault.found_by, fault.prepared_by].concat();
    let report = checked(&ids, fault.spoil);
    for id in fault.found_by {
        let result = report.results.iter().find(|result| result.id == *id);
        let result = result.ok_or_else(|| format!("there is no check {id}"))?;
        if result.result != Verdict::Fail {
            return Err(format!("{id} ended as {}: {}", result.result.as_str(), result.detail).into());
        }
    }
    Ok(())
}

/// Without a fault the proxy changes nothing, so it is the faults that are found.
fn nothing_is_found_without_a_fault() -> Result<(), Failed> {
    let ids: Vec<&str> =
        FAULTS.iter().flat_map(|fault| [fault.found_by, fault.prepared_by].concat()).collect();
    let report = checked(&ids, answers(|_, _, _| {}));
    let failed =
        report.results.iter().filter(|result| result.result == Verdict::Fail && ids.contains(&result.id));
    let failed: Vec<String> = failed.map(|result| format!("{}: {}", result.id, result.detail)).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// A test for each fault.
pub(crate) fn all() -> Vec<Trial> {
    let faults = FAULTS.iter().map(|fault| {
        Trial::test(format!("is_found: {}", fault.name), move || is_found(fault)).with_kind("fault")
    });
    let control = Trial::test("nothing_is_found_without_a_fault", nothing_is_found_without_a_fault);
    std::iter::once(control).chain(faults).collect()
}
