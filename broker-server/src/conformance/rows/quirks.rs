//! What a broker does to please all platforms.

super::rows! {
    "Q-01" Should "Every answer has a JSON object, deletions and errors too";
    "Q-02" Should "operation is left out rather than null";
    "Q-03" Should "dashboard_url is left out of a fetch rather than null";
    "Q-04" Should "parameters: {} in an update changes no parameter";
    "Q-05" Should "plan_id in an update may be the present plan, changeable or not";
    "Q-06" Should "Nulls, empty objects and unknown context fields are accepted where platforms send them";
    "Q-07" Should "A deleted id can be used again";
    "Q-08" Should "Deletions are accepted at any time, repeatedly, without polls";
    "Q-09" Should "The descriptions of reserved errors are the expected ones";
    "Q-10" Should "Polls have no transient 400 and no 5xx";
    "Q-11" Should "Answers arrive within ten seconds";
    "Q-12" Should "What will never work is refused with 4xx, not 5xx";
    "Q-13" Should "Plans say free, whatever it is";
    "Q-14" Should "Who may bind asynchronously says bindings_retrievable";
    "Q-15" Should "Ids and names have 63 characters at most; ids are in lower case";
    "Q-16" Should "dashboard_client has a redirect_uri";
    "Q-17" Should "maintenance_info has version and description only, and is short";
    "Q-18" Should "Drain, route and volumes come with their requires; route_service_url is https";
    "Q-19" Should "All versions from 2.13 to 2.17 are accepted";
    "Q-20" Should "Retry-After is a whole number, and nothing depends on it being kept to";
}
