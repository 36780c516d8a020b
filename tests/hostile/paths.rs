//! Paths and methods.

use super::{Case, Victim, by};

#[tokio::test]
async fn no_spelling_of_a_path_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let id = victim.open.id.to_string();
    let paths: Vec<String> = [
        "/tasks/%2e%2e".to_owned(),
        "/tasks/..%2f..%2fetc%2fpasswd".to_owned(),
        "/tasks/%2e%2e%2fhealth".to_owned(),
        "/tasks/..%5c..%5cetc".to_owned(),
        "/tasks/%252e%252e%252f".to_owned(),
        "/tasks/%00".to_owned(),
        format!("/tasks/{id}%00"),
        format!("/tasks/{id}%20"),
        format!("/tasks/%20{id}"),
        format!("/tasks/{id}%0d%0aX-Injected:%201"),
        format!("/tasks/{id}.json"),
        format!("/tasks/{id};version=1"),
        format!("/tasks/{id}%2flogs"),
        format!("/tasks/{id}%3fpage=1"),
        format!("/tasks/{id}%23"),
        format!("/tasks/{id}/"),
        format!("/tasks//{id}"),
        format!("//tasks/{id}"),
        format!("/tasks/{id}//logs"),
        format!("/tasks/{}", id.to_uppercase()),
        format!("/tasks/{}", id.replace('-', "")),
        format!("/tasks/{{{id}}}"),
        format!("/tasks/urn:uuid:{id}"),
        format!("/TASKS/{id}"),
        format!("/tasks/{id}/LOGS"),
        format!("/v1/tasks/{id}"),
        format!("/tasks/TASK%23{id}"),
        "/tasks/ACCOUNT".to_owned(),
        "/tasks/*".to_owned(),
        "/tasks/%25".to_owned(),
        "/tasks/%".to_owned(),
        "/tasks/%zz".to_owned(),
        "/tasks/%ff%fe".to_owned(),
        "/tasks/%c0%af".to_owned(),
        "/tasks/%E2%80%AE".to_owned(),
        "/tasks/\u{ff11}".to_owned(),
        "/tasks/-1".to_owned(),
        "/tasks/0".to_owned(),
        "/tasks/99999999999999999999999999".to_owned(),
        "/tasks/1%20OR%201=1".to_owned(),
        "/tasks/$%7Bjndi:ldap://127.0.0.1/x%7D".to_owned(),
        "/tasks/%7B%7Btask_id%7D%7D".to_owned(),
        "/tasks/%7Btask_id%7D".to_owned(),
        "/tasks/%7Bproxy+%7D".to_owned(),
        "/tasks/%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
        format!("/tasks/{}", "x".repeat(4_000)),
        format!("/tasks/{}", "x/".repeat(1_000)),
        format!("/{}", "a".repeat(4_000)),
        "/.env".to_owned(),
        "/.git/config".to_owned(),
        "/_ministack/reset".to_owned(),
        "/_localstack/health".to_owned(),
        "/restapis".to_owned(),
        "/2015-03-31/functions".to_owned(),
        "/..%2f..%2f_ministack/reset".to_owned(),
    ]
    .to_vec();
    let cases = paths
        .into_iter()
        .map(|path| {
            let name = path.chars().take(80).collect::<String>();
            Case::new(format!("GET {name}"), by(&victim.user, "GET", &path), 404)
        })
        .collect();
    victim.withstands(cases, &[]).await
}

#[tokio::test]
async fn no_unusual_method_does_a_thing() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let open = format!("/tasks/{}", victim.open.id);
    let mut cases = Vec::new();
    for method in ["PATCH", "OPTIONS", "TRACE", "POST", "MKCOL", "PROPFIND", "DELETED", "G", "PURGE"] {
        cases.push(Case::new(
            format!("{method} {open}"),
            by(&victim.user, method, &open).body("{\"name\":\"x\"}"),
            405,
        ));
    }
    for (method, path) in [
        ("DELETE", "/tasks".to_owned()),
        ("PUT", "/tasks".to_owned()),
        ("TRACE", "/tasks".to_owned()),
        ("DELETE", format!("{open}/logs")),
        ("POST", format!("{open}/logs")),
        ("PUT", format!("{open}/download")),
        ("DELETE", format!("{open}/download")),
        ("POST", "/health".to_owned()),
        ("DELETE", "/health".to_owned()),
    ] {
        cases.push(Case::new(format!("{method} {path}"), by(&victim.user, method, &path), 405));
    }
    // Methods in disguise: what counts is the request line.
    for (header, path) in [("X-HTTP-Method-Override", &open), ("X-HTTP-Method", &open), ("X-Method-Override", &open)] {
        let request = by(&victim.user, "POST", path).header(header, "DELETE").body("_method=DELETE");
        cases.push(Case::new(format!("{header}: DELETE"), request, 405));
    }
    cases.push(Case::new("?_method=DELETE", by(&victim.user, "POST", &format!("{open}?_method=DELETE")), 405));
    victim.withstands(cases, &[]).await
}
