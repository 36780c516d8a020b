//! The document of the APIs: what every operation of a contract has in common, put into what its handlers say of themselves. Nothing of it is
//! for functions that answer requests.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use utoipa::openapi::OpenApi;

use crate::{extract_cloud, portal, scraper_credentials, video, worker};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A way to say who is calling, by the name that the document gives it.
pub type Scheme = (&'static str, fn() -> Json);

/// A form of errors: what its schema is called, and the schema.
pub type ErrorForm = (&'static str, fn() -> Json);

/// What the operations of one contract have in common.
pub struct Manners {
    /// How a caller says who they are: any of these, by the name that the document gives it.
    pub schemes: &'static [Scheme],
    /// What it is called where something is named after it.
    pub name: &'static str,
    /// The form of its errors; none where they have no body that callers could count on.
    pub error: Option<ErrorForm>,
    /// By which status a request is refused that is not well formed, where it is not 400, and in which form.
    pub invalid: Option<(&'static str, ErrorForm)>,
    /// Whether every answer has an `X-Request-Id`: those have it that a function of ours makes.
    pub has_request_id: bool,
    /// The headers of every answer besides that, each with what is said of it; so many numbers.
    pub headers: &'static [(&'static str, &'static str)],
    /// Whether requests are counted, so that 429 is an answer.
    pub is_limited: bool,
    /// Whether an operation, of a method and a path, is refused to some who are known. Of others their handlers say so.
    pub administrators: fn(&str, &str) -> bool,
}

/// The manners of all contracts, each with the functions' documents that it is of.
#[must_use]
pub fn whole(info: &Json, parts: &[(&Manners, Vec<OpenApi>)]) -> Json {
    let (mut paths, mut schemas, mut callers) = (Map::new(), Map::new(), Map::new());
    let mut common = Common::default();
    for (manners, documents) in parts {
        for document in documents {
            let document = json!(document);
            for (path, item) in document["paths"].as_object().into_iter().flatten() {
                let known = paths.entry(path).or_insert_with(|| json!({}));
                for method in METHODS {
                    if let Some(operation) = item.get(method) {
                        known[method] = finished(path, method, operation.clone(), manners, &mut common);
                    }
                }
            }
            if let Some(of_this) = document["components"]["schemas"].as_object() {
                schemas.extend(of_this.clone());
            }
        }
        callers.extend(manners.schemes.iter().map(|(name, scheme)| ((*name).to_owned(), scheme())));
    }
    let asked = asked_for(&paths, &schemas);
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !asked.contains(*name)) {
        complete(schema);
    }
    let forms = parts.iter().flat_map(|(manners, _)| [manners.error, manners.invalid.map(|(_, form)| form)]);
    schemas.extend(forms.flatten().map(|(name, schema)| (name.to_owned(), schema())));
    paths.sort_keys();
    schemas.sort_keys();
    common.answers.sort_keys();
    common.headers.sort_keys();
    let mut whole = json!({"openapi": "3.1.0"});
    for (name, value) in info.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    whole["paths"] = paths.into();
    let Common { answers, headers } = common;
    whole["components"] =
        json!({"schemas": schemas, "responses": answers, "headers": headers, "securitySchemes": callers});
    whole
}

/// What many operations have alike, each told once.
#[derive(Default)]
struct Common {
    answers: Map<String, Json>,
    headers: Map<String, Json>,
}

/// The schemas that requests are made of.
fn asked_for(paths: &Map<String, Json>, schemas: &Map<String, Json>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let bodies = paths.values().flat_map(|item| METHODS.iter().map(move |method| &item[*method]["requestBody"]));
    let mut open: Vec<&Json> = bodies.collect();
    while let Some(json) = open.pop() {
        match json {
            Json::Object(fields) => {
                if let Some(name) = fields.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next())
                    && found.insert(name.to_owned())
                {
                    open.extend(schemas.get(name));
                }
                open.extend(fields.values());
            }
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

/// An answer has all of its fields: those of nothing are null (RULINGS.md, "never fewer").
fn complete(schema: &mut Json) {
    match schema {
        Json::Object(fields) => {
            if let Some(Json::Object(properties)) = fields.get("properties") {
                let names: Vec<_> = properties.keys().cloned().collect();
                fields.insert("required".to_owned(), names.into());
            }
            fields.iter_mut().filter(|(name, _)| !name.starts_with("example")).for_each(|(_, within)| complete(within));
        }
        Json::Array(items) => items.iter_mut().for_each(complete),
        _ => {}
    }
}

/// An operation with everything that its contract's have in common.
fn finished(path: &str, method: &str, mut operation: Json, manners: &Manners, common: &mut Common) -> Json {
    operation["operationId"] = operation_id(path, method).into();
    let summary = ["summary", "description"].iter().filter_map(|field| operation[field].as_str()).collect::<Vec<_>>();
    let told = without_route(&summary.join(" "));
    let (first, rest) = told.split_once(". ").map_or((told.as_str(), ""), |(first, rest)| (first, rest));
    operation["summary"] = first.trim_end_matches('.').into();
    operation["description"] = if rest.is_empty() { told.clone() } else { rest.to_owned() }.into();
    let is_public = operation.get("security").is_some();
    if is_public {
        operation["security"] = json!([]);
    } else {
        operation["security"] = manners.schemes.iter().map(|(name, _)| json!({*name: []})).collect();
    }
    let bodies = operation.pointer_mut("/requestBody/content").and_then(Json::as_object_mut);
    for content in bodies.into_iter().flat_map(Map::values_mut) {
        without_null(&mut content["schema"]);
    }
    let has = |place: &str| {
        let given = operation["parameters"].as_array().into_iter().flatten();
        given.into_iter().any(|parameter| parameter["in"] == place)
    };
    let has_input = operation.get("requestBody").is_some() || has("query") || has("header");
    let automatic = [
        (manners.invalid.map_or("400", |(status, _)| status), has_input),
        ("401", !is_public),
        ("403", (manners.administrators)(method, path)),
        ("404", has("path")),
        ("429", manners.is_limited),
        ("500", true),
    ];
    for (status, _) in automatic.into_iter().filter(|(_, applies)| *applies) {
        let answers = &mut operation["responses"];
        if answers.get(status).is_none() {
            answers[status] = json!({"description": ""});
        }
    }
    if let Some(answers) = operation["responses"].as_object_mut() {
        for (status, answer) in answers.iter_mut() {
            dress(status, answer, manners, common);
        }
        answers.sort_keys();
    }
    operation
}

/// A body that need not be there: no body is none, and null is no object.
fn without_null(schema: &mut Json) {
    let is_null = |one: &&Json| one["type"] == "null" || **one == "null";
    let of_either = schema["oneOf"].as_array().filter(|either| either.iter().any(|one| is_null(&one)));
    if let Some(other) = of_either.and_then(|either| either.iter().find(|one| !is_null(one))).cloned() {
        *schema = other;
    } else if let Some(kind) =
        schema["type"].as_array().and_then(|kinds| kinds.iter().find(|kind| !is_null(kind))).cloned()
    {
        schema["type"] = kind;
    }
}

/// An answer with its description, its headers, and, if it tells of an error, its body.
fn dress(status: &str, answer: &mut Json, manners: &Manners, common: &mut Common) {
    if answer["description"].as_str().is_none_or(str::is_empty) {
        answer["description"] = meaning(status).into();
    }
    let headers = manners.headers.iter().map(|(name, told)| (*name, *told, "integer"));
    let request_id = ("X-Request-Id", "The id of the request: the caller's own, if it sent one", "string");
    let ours = headers.chain(manners.has_request_id.then_some(request_id));
    let waits = (status == "429").then_some(("Retry-After", "After how many seconds to try again", "integer"));
    for (name, told, kind) in ours.chain(waits) {
        let shared = if manners.headers.iter().any(|(own, _)| *own == name) {
            format!("{}-{name}", manners.name)
        } else {
            name.to_owned()
        };
        answer["headers"][name] = json!({"$ref": format!("#/components/headers/{shared}")});
        common.headers.insert(shared, json!({"description": told, "schema": {"type": kind}}));
    }
    let of_invalid = manners.invalid.filter(|(of, _)| *of == status).map(|(_, form)| form);
    if status.starts_with(['4', '5'])
        && answer.get("content").is_none()
        && let Some((form, _)) = of_invalid.or(manners.error)
    {
        let schema = format!("#/components/schemas/{form}");
        answer["content"] = json!({"application/json": {"schema": {"$ref": schema}}});
        let name = format!("{form}{status}");
        let answer = std::mem::replace(answer, json!({"$ref": format!("#/components/responses/{name}")}));
        common.answers.insert(name, answer);
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "As it was asked for",
        "201" => "Made",
        "202" => "Taken on",
        "204" => "Nothing",
        "302" => "It is elsewhere",
        "400" => "Something of the request is wrong, or the state of the thing does not allow it",
        "401" => "No key, token or session, or none that works",
        "402" => "Too few compute units are left",
        "403" => "The caller may not",
        "404" => "There is no such thing",
        "409" => "The state of the thing does not allow it",
        "422" => "Something of the request is wrong",
        "429" => "Too many requests",
        "502" => "A service that this one depends on has failed",
        "503" => "A part of the system is unhealthy",
        _ => "Something went wrong on our side",
    }
}

/// `post_api_tasks_id_lock`: unique, since no two operations have one method and one path.
fn operation_id(path: &str, method: &str) -> String {
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// What a handler says of itself, without the route that it begins with.
fn without_route(told: &str) -> String {
    let told = told.replace('\n', " ");
    let said = if told.starts_with('`') { told.split_once("`: ").map_or("", |(_, said)| said) } else { told.as_str() };
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn key_in(header: &str, told: &str) -> Json {
    json!({"type": "apiKey", "in": "header", "name": header, "description": told})
}

/// The manners of the credential queue.
pub const CREDENTIAL_QUEUE: Manners = Manners {
    schemes: &[("ScraperKey", || key_in(scraper_credentials::KEY_HEADER, "A scraper's key, or an administrator's"))],
    name: "CredentialQueue",
    error: Some(("CredentialQueueError", scraper_credentials::error_schema)),
    invalid: None,
    has_request_id: true,
    headers: &[],
    is_limited: false,
    administrators: |_, path| path.starts_with("/api/scraper-credentials/admin"),
};

/// The manners of the worker API.
pub const WORKER: Manners = Manners {
    schemes: &[("WorkerToken", || key_in(worker::TOKEN_HEADER, "A worker's token, or an administrator's"))],
    name: "Worker",
    error: Some(("WorkerError", worker::error_schema)),
    invalid: None,
    has_request_id: true,
    headers: &[
        ("X-RateLimit-Limit", "How many requests a minute one address may make of these endpoints"),
        ("X-RateLimit-Remaining", "How many of them are left in this minute"),
    ],
    is_limited: true,
    administrators: |_, _| false,
};

/// The manners of the extraction cloud.
pub const EXTRACT_CLOUD: Manners = Manners {
    schemes: &[(
        "Bearer",
        || json!({"type": "http", "scheme": "bearer", "description": "An API key, `sk_…`, or a session's token"}),
    )],
    name: "ExtractCloud",
    error: Some(("ExtractCloudError", extract_cloud::error_schema)),
    invalid: None,
    has_request_id: true,
    headers: &[
        ("X-RateLimit-Limit", "How many requests a minute a user may make of these endpoints"),
        ("X-RateLimit-Remaining", "How many of them are left in this minute"),
        ("X-RateLimit-Reset", "When the minute ends, in seconds since 1970"),
    ],
    is_limited: true,
    administrators: |_, path| path != "/health",
};

/// The manners of the video jobs.
pub const VIDEO: Manners = Manners {
    schemes: &[VIDEO_KEY],
    name: "Video",
    error: Some(("VideoError", video::error_schema)),
    invalid: Some(("422", ("VideoValidationError", video::invalid_schema))),
    has_request_id: true,
    headers: &[
        ("X-RateLimit-Limit", "How many requests a key's bucket holds"),
        ("X-RateLimit-Remaining", "How many are left in it"),
        ("X-RateLimit-Reset", "When it is full again, in seconds since 1970"),
    ],
    is_limited: true,
    administrators: |_, _| false,
};

/// The manners of the video jobs' sockets: a refused handshake is answered by API Gateway.
pub const VIDEO_SOCKET: Manners = Manners {
    schemes: &[
        VIDEO_KEY,
        (
            "VideoKeyInQuery",
            || json!({"type": "apiKey", "in": "query", "name": "api_key", "description": "The same, for browsers, whose WebSockets have no headers"}),
        ),
    ],
    name: "VideoSocket",
    error: None,
    invalid: None,
    has_request_id: false,
    headers: &[],
    is_limited: true,
    administrators: |_, _| false,
};

const VIDEO_KEY: Scheme = ("VideoKey", || key_in(video::KEY_HEADER, "A key of the video jobs"));

/// The manners of the portal jobs.
pub const PORTAL: Manners = Manners {
    schemes: &[(
        "PortalToken",
        || json!({"type": "http", "scheme": "bearer", "description": "A user's token; of administrators' endpoints an operator's key, `sk_…`"}),
    )],
    name: "Portal",
    error: Some(("PortalError", portal::error_schema)),
    invalid: None,
    has_request_id: true,
    headers: &[],
    is_limited: false,
    administrators: |_, path| path.starts_with("/cpcb/admin"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handlers_own_words_are_told_without_its_route() {
        for (said, told) in [
            ("`GET /tasks`: a page of tasks.", "A page of tasks."),
            ("`GET /tasks?a=&b=`: a\npage.", "A page."),
            ("`DELETE /api/proxies/{id}`", ""),
            ("Plain words.", "Plain words."),
        ] {
            assert_eq!(without_route(said), told, "{said}");
        }
        assert_eq!(operation_id("/api/tasks/{id}/lock", "post"), "post_api_tasks_id_lock");
    }
}
