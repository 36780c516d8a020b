//! The routes of the extraction cloud and of the video jobs, as the functions' sources say them (`.route("…", get(…).put(…))`), and the paths of the template: what tables over all endpoints
//! are held to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// What the other APIs' paths begin with (RULINGS.md, "One deployment, five APIs"). Whatever is none of theirs is the extraction cloud's: so a new path
/// is missed nowhere.
const OTHERS: [&str; 9] =
    ["/api", "/auth/login", "/console", "/cpcb", "/docs", "/logs", "/openapi.json", "/pwmr", "/redoc"];
/// The methods that routes are for.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

/// A method and a route, as `GET` and `/tasks/{task_id}`.
pub type Endpoint = (String, String);

/// Every endpoint of the extraction cloud.
pub fn extract_cloud() -> anyhow::Result<BTreeSet<Endpoint>> {
    let mut found = BTreeSet::new();
    let functions: BTreeSet<_> = paths_of_template()?.into_iter().map(|(function, _)| function).collect();
    for function in functions {
        let routes = routes_of(&function)?;
        let others: Vec<_> = routes.iter().filter(|(_, path)| !is_ours(path)).collect();
        ensure!(others.is_empty(), "{others:?} in {function} are another API's");
        found.extend(routes);
    }
    ensure!(found.len() >= 30, "so few endpoints: {found:?}");
    Ok(found)
}

/// Every endpoint of the video jobs, below `/api/v1`.
pub fn video_jobs() -> anyhow::Result<BTreeSet<Endpoint>> {
    let mut found = BTreeSet::new();
    for function in ["functions/video-jobs", "functions/video-schedules"] {
        for (method, path) in routes_of(function)? {
            let path = path.strip_prefix("/api/v1").with_context(|| format!("{path} is not below /api/v1"))?;
            found.insert((method, path.to_owned()));
        }
    }
    ensure!(found.len() >= 17, "so few endpoints: {found:?}");
    Ok(found)
}

/// The routes in a function's sources. Those of a file are below the path that it nests routers at, if it does.
fn routes_of(function: &str) -> anyhow::Result<BTreeSet<Endpoint>> {
    let mut found = BTreeSet::new();
    for file in sources(&workspace().join(function))? {
        let source = fs::read_to_string(&file)?;
        let base = source.split_once(".nest(\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        for rest in source.split(".route(").skip(1) {
            let told =
                within_parentheses(rest).with_context(|| format!("a route without an end in {}", file.display()))?;
            let path = told.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            let path = path.with_context(|| format!("a route whose path is not written out in {}", file.display()))?;
            // A nested router's `/` is the base itself.
            let path = if path == "/" && !base.is_empty() { base.to_owned() } else { format!("{base}{path}") };
            found.extend(methods(told).map(|method| (method, path.clone())));
        }
    }
    Ok(found)
}

/// The functions of the extraction cloud (`functions/identity`) and the paths that the template sends to each, without those that catch all others.
pub fn paths_of_template() -> anyhow::Result<Vec<(String, String)>> {
    let template = fs::read_to_string(workspace().join("template.yaml"))?;
    let (mut function, mut found) = (None, Vec::new());
    for line in template.lines() {
        if let Some((_, folder)) = line.split_once(" CodeUri: ") {
            function = Some(folder.trim());
        } else if let Some((_, path)) = line.split_once(" Path: ") {
            let path = path.split([',', ' ']).next().unwrap_or_default().trim_matches('"');
            if !["/", "/{proxy+}"].contains(&path) && is_ours(path) {
                found.push((function.context("a path of no function")?.to_owned(), path.to_owned()));
            }
        }
    }
    Ok(found)
}

/// Whether a path of a row (`/tasks/{ended}?page=1`) is one of a route (`/tasks/{task_id}`).
#[must_use]
pub fn is_of_route(path: &str, route: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let (parts, known): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    let fits = |(part, known): (&&str, &&str)| part == known || (part.starts_with('{') && known.starts_with('{'));
    parts.len() == known.len() && parts.iter().zip(&known).all(fits)
}

fn is_ours(path: &str) -> bool {
    let begins = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path.starts_with('/') && !OTHERS.into_iter().any(begins)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The text up to the parenthesis that closes the one before it.
fn within_parentheses(text: &str) -> Option<&str> {
    let mut open = 1_u32;
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(&text[..place]);
        }
    }
    None
}

/// The methods that a route's text names: `get(…).post(…)`.
fn methods(told: &str) -> impl Iterator<Item = String> {
    let is_called = move |method: &&str| {
        told.match_indices(&format!("{method}(")).any(|(place, _)| {
            let before = told[..place].chars().next_back();
            before.is_some_and(|before| !before.is_alphanumeric() && !matches!(before, '_' | ':'))
        })
    };
    METHODS.into_iter().filter(is_called).map(str::to_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_as_they_are_written() {
        let text =
            "\n \"/tasks/{id}\",\n get(tasks::show).put(tasks::budget(1)).delete(gone),\n )\n .route(\"/x\", post(y))";
        let told = within_parentheses(text).unwrap();
        assert_eq!(methods(told).collect::<Vec<_>>(), ["DELETE", "GET", "PUT"]);
        for (path, is_ours_too) in [("/tasks", true), ("/apis", true), ("/api/tasks", false), ("/docs", false)] {
            assert_eq!(is_ours(path), is_ours_too, "{path}");
        }
        for (path, route, is) in [
            ("/tasks/{ended}?page=1", "/tasks/{task_id}", true),
            ("/tasks/{ended}/logs", "/tasks/{task_id}", false),
            ("/tasks/nothing", "/tasks/{task_id}", false),
            ("/auth/me", "/auth/me", true),
        ] {
            assert_eq!(is_of_route(path, route), is, "{path}");
        }
    }
}
