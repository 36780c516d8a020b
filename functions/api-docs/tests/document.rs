//! The document is what the functions' handlers say: `openapi.json` is made of that, and checked in, so that a change of it is seen in review.
//! To take a change: `ACCEPT_OPENAPI=1 cargo test --workspace --profile local --test document`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use api::document::{CREDENTIAL_QUEUE, EXTRACT_CLOUD, Manners, PORTAL, VIDEO, VIDEO_SOCKET, WORKER, whole};
use serde_json::{Value as Json, json};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The documents of the functions, by whose manners they are.
fn documents() -> [(&'static Manners, Vec<OpenApiDocument>); 6] {
    let queue = vec![credential_queue::Document::openapi()];
    let worker = vec![
        worker_tasks::Document::openapi(),
        worker_records::Document::openapi(),
        worker_services::Document::openapi(),
    ];
    let cloud = vec![
        identity_function::Document::openapi(),
        extract_tasks::Document::openapi(),
        webhook_endpoints::Document::openapi(),
        billing::Document::openapi(),
        analytics::Document::openapi(),
        dead_letter_records::Document::openapi(),
    ];
    let videos = vec![video_jobs::Document::openapi(), video_schedules::Document::openapi()];
    let sockets = vec![job_socket::Document::openapi()];
    let portal = vec![portal_jobs::Document::openapi(), log_stream::Document::openapi()];
    [
        (&CREDENTIAL_QUEUE, queue),
        (&WORKER, worker),
        (&PORTAL, portal),
        (&EXTRACT_CLOUD, cloud),
        (&VIDEO, videos),
        (&VIDEO_SOCKET, sockets),
    ]
}

fn document() -> Json {
    let info = json!({
        "info": {
            "title": "Drover",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control plane for fleets of scrapers. Each API has its own way to say who is calling, its own form of errors, \
                and its own limits.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "./", "description": "This deployment"}],
        "tags": [
            {"name": "Credential queue", "description": "Scrapers fetch credentials and tell what came of them."},
            {"name": "Credential administration", "description": "Platforms, credentials and keys. Needs an administrator's key."},
            {"name": "Worker tasks", "description": "Workers lock tasks and report on them."},
            {"name": "Worker records", "description": "Backlinks, site accounts and proxies."},
            {"name": "Worker services", "description": "Texts by language models, and captchas of the operator's own sites."},
            {"name": "Portal jobs", "description": "Waste registers are read with a tenant's accounts."},
            {"name": "Portal administration", "description": "Users and accounts. Needs an administrator's key."},
            {"name": "Sign-in", "description": "Signing in with an identity provider, and who is signed in."},
            {"name": "API keys", "description": "Keys of the extraction cloud."},
            {"name": "Extraction tasks", "description": "Pages to be read, and what was found on them."},
            {"name": "Webhooks", "description": "Who is told when a task ends."},
            {"name": "Billing", "description": "Plans, subscriptions and invoices."},
            {"name": "Analytics", "description": "What was used."},
            {"name": "Video jobs", "description": "Videos of a user or a hashtag, fetched and stored; and how far that is."},
            {"name": "Videos", "description": "What was found, and where it is stored."},
            {"name": "Video schedules", "description": "Jobs that start by themselves."},
            {"name": "Video statistics", "description": "What is counted, and whether everything is there."},
            {"name": "System", "description": "How the deployment is."},
        ],
    });
    whole(&info, &documents())
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_document_is_what_the_handlers_say() -> anyhow::Result<()> {
    let (path, made) = (folder().join("openapi.json"), format!("{:#}\n", document()));
    if std::env::var_os("ACCEPT_OPENAPI").is_some() {
        fs::write(&path, &made)?;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let changes: Vec<_> = differences(&kept, &made);
    ensure!(
        changes.is_empty(),
        "openapi.json is not what the handlers say:\n{}\nTo take it: ACCEPT_OPENAPI=1 cargo test --workspace --profile local --test document",
        changes.join("\n")
    );
    Ok(())
}

/// The first lines that are of one of them only.
fn differences(kept: &str, made: &str) -> Vec<String> {
    let count = |text: &str| {
        text.lines().fold(BTreeMap::<String, i64>::new(), |mut lines, line| {
            *lines.entry(line.to_owned()).or_default() += 1;
            lines
        })
    };
    let (before, after) = (count(kept), count(made));
    let more = |some: &BTreeMap<String, i64>, others: &BTreeMap<String, i64>, sign: &str| {
        let found = some.iter().filter(|(line, times)| others.get(*line).unwrap_or(&0) < times);
        found.map(|(line, _)| format!("{sign}{line}")).collect::<Vec<_>>()
    };
    let mut told = more(&before, &after, "-");
    told.extend(more(&after, &before, "+"));
    if told.is_empty() && kept != made {
        told.push("the same lines in another order".to_owned());
    }
    told.truncate(60);
    told
}

fn operations(document: &Json) -> impl Iterator<Item = (&str, &str, &Json)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| Some((*method, path.as_str(), item.get(method)?)))
    })
}

#[test]
fn two_schemas_have_two_names() -> anyhow::Result<()> {
    let mut known = BTreeMap::new();
    for document in documents().into_iter().flat_map(|(_, documents)| documents) {
        let document = json!(document);
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let before = known.insert(name.clone(), schema.clone());
            ensure!(
                before.is_none_or(|before| before == *schema),
                "{name} is the name of two schemas: #[schema(as = …)]"
            );
        }
    }
    Ok(())
}

#[test]
fn every_operation_is_told_whole() -> anyhow::Result<()> {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().context("no id")?;
        ensure!(ids.insert(id), "{id} is there twice");
        ensure!(operation["summary"].as_str().is_some_and(|summary| summary.len() > 3), "{method} {path} says nothing");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        ensure!(tags.contains(tag), "{method} {path} has the tag {tag}");
        ensure!(operation["security"].is_array(), "{method} {path} does not say who may call");
        for name in path.split('{').skip(1).filter_map(|part| part.split('}').next()) {
            let told = operation["parameters"].as_array().into_iter().flatten();
            ensure!(
                told.into_iter().any(|one| one["in"] == "path" && one["name"] == name),
                "{method} {path}: {name} is not told"
            );
        }
        let answers = operation["responses"].as_object().context("no answers")?;
        ensure!(
            answers.keys().any(|status| status.starts_with('2') || status == "101"),
            "{method} {path} never succeeds"
        );
    }
    ensure!(ids.len() > 105, "{} operations only", ids.len());
    Ok(())
}

/// The routes are those of the functions' routers, as their sources say them: a router does not tell its own.
#[test]
fn every_route_is_told_and_everything_told_is_a_route() -> anyhow::Result<()> {
    let document = document();
    let unnamed = |path: &str| {
        path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
    };
    let told: BTreeSet<_> =
        operations(&document).map(|(method, path, _)| format!("{method} {}", unnamed(path))).collect();
    // API Gateway routes sockets itself (template.yaml).
    let mut routes = BTreeSet::from(["get /ws/jobs/{}".to_owned()]);
    for function in fs::read_dir(folder().join(".."))? {
        let function = function?.path();
        // Pages for people are no API.
        if function.ends_with("api-docs") || function.ends_with("console") {
            continue;
        }
        let Ok(source) = fs::read_to_string(function.join("src/lib.rs")) else { continue };
        routes.extend(routes_of(&source).into_iter().map(|(method, path)| format!("{method} {}", unnamed(&path))));
    }
    let untold: Vec<_> = routes.difference(&told).collect();
    ensure!(untold.is_empty(), "routes that the document does not tell: {untold:?}");
    let gone: Vec<_> = told.difference(&routes).collect();
    ensure!(gone.is_empty(), "the document tells what is no route: {gone:?}");
    Ok(())
}

/// The methods and paths of a router, which is written as `let NAME = Router::new().route("…", get(…).put(…))…;` and `.nest("…", NAME)`.
fn routes_of(source: &str) -> Vec<(String, String)> {
    let Some((_, router)) = source.split_once("pub fn router(") else { return Vec::new() };
    let router: String =
        router.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let nests: BTreeMap<String, String> = calls(&router, ".nest(")
        .into_iter()
        .filter_map(|(path, rest)| {
            Some((rest.trim().trim_end_matches(')').trim().to_owned(), path)).filter(|(name, _)| !name.is_empty())
        })
        .collect();
    let lets: BTreeMap<&str, &str> = router
        .split("let ")
        .skip(1)
        .filter_map(|part| part.split_once(" = "))
        .map(|(name, value)| (name.trim(), value.split(";\n").next().unwrap_or_default()))
        .collect();
    let mut found = Vec::new();
    for (name, value) in &lets {
        let root = nests.get(*name).map_or("", String::as_str);
        for (path, mut methods) in calls(value, ".route(") {
            let named = methods.trim().trim_end_matches(')').trim().to_owned();
            if let Some(value) = lets.get(named.as_str()) {
                (*value).clone_into(&mut methods);
            }
            let path = format!("{root}{}", if path == "/" && !root.is_empty() { "" } else { &path });
            let has = |method: &str| {
                let spoken = [format!("{method}("), format!(".{method}(")];
                methods.trim_start().starts_with(&spoken[0]) || methods.contains(&spoken[1])
            };
            found
                .extend(METHODS.iter().filter(|method| has(method)).map(|method| ((*method).to_owned(), path.clone())));
        }
    }
    found
}

/// The calls of a method with a text first: the text, and what follows it up to the next call of a method of the router's.
fn calls(source: &str, method: &str) -> Vec<(String, String)> {
    source
        .split(method)
        .skip(1)
        .filter_map(|rest| {
            let (path, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
            let rest = rest.trim_start().trim_start_matches(',').trim_start();
            let end = [".route(", ".nest(", ".with_state("]
                .iter()
                .filter_map(|next| rest.find(next))
                .min()
                .unwrap_or(rest.len());
            Some((path.to_owned(), rest[..end].to_owned()))
        })
        .collect()
}
