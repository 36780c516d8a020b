//! Query strings.

use super::{Case, Victim, by};

#[tokio::test]
async fn no_query_string_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let long = "9".repeat(3_000);
    let lists = [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=1e9",
        "page=1e3",
        "page=0x10",
        "page=+1",
        "page=1%00",
        "page=%EF%BC%91",
        "page=NaN",
        "page=null",
        "page=1,2",
        "page=4294967296",
        "page=18446744073709551616",
        "page=1000000",
        "page=1000001",
        "page=101&page_size=100",
        "page=1&page=0",
        "page=%ff",
        "page_size=0",
        "page_size=101",
        "page_size=-20",
        "page_size=1000000000",
        "page_size=all",
        "sort_by=id",
        "sort_by=created_at;drop%20table",
        "sort_by=created_at,name",
        "sort_by=CREATED_AT",
        "sort_by=pk",
        "sort_order=ascending",
        "sort_order=1",
        "sort_order=DESC",
        "status=done",
        "status=PENDING",
        "status=pending,done",
        "status[]=done",
        "status=*",
        "status=%00",
        "task_type=simple",
        "task_type=simple_scraping&task_type=x",
        "created_after=yesterday",
        "created_after=0",
        "created_after=1700000000",
        "created_after=2024-13-01",
        "created_after=2024-02-30T00:00:00Z",
        "created_after=-9999999-01-01",
        "created_after=99999-01-01T00:00:00Z",
        "created_before=2024-01-01T25:00:00Z",
        "created_before=0000-00-00",
        "created_before=%00",
    ];
    let mut cases: Vec<_> = lists
        .into_iter()
        .map(str::to_owned)
        .chain([
            format!("page={long}"),
            format!("name_contains={long}"),
            format!("sort_by={long}"),
            format!("status={long}"),
        ])
        .map(|query| {
            let name = query.chars().take(60).collect::<String>();
            Case::new(format!("GET /tasks?{name}"), by(&victim.user, "GET", &format!("/tasks?{query}")), 400)
        })
        .collect();
    let logs = format!("/tasks/{}/logs", victim.ended.id);
    for query in ["page=0", "page=x", "page=-1", "page=99999999999", "page_size=0", "page_size=501", "page_size=1e2"] {
        cases.push(Case::new(format!("GET logs?{query}"), by(&victim.user, "GET", &format!("{logs}?{query}")), 400));
    }
    let download = format!("/tasks/{}/download", victim.ended.id);
    // Of what is no monitor there are no changes.
    for query in
        ["content=changes", "content=../values", "content=values,changes", "content=%00", "content=values&content=x"]
    {
        let target = format!("{download}?{query}");
        cases.push(Case::new(format!("GET download?{query}"), by(&victim.user, "GET", &target), 400));
    }
    victim.withstands(cases, &[]).await
}

#[tokio::test]
async fn no_days_that_are_asked_for_lead_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let long = "9".repeat(3_000);
    let queries = [
        "period=yearly",
        "period=DAILY",
        "period=daily,weekly",
        "period=%00",
        "period=1",
        "start_date=yesterday",
        "start_date=0",
        "start_date=-1",
        "start_date=1700000000",
        "start_date=2024-13-01",
        "start_date=2024-02-30",
        "start_date=2024-01-01%00",
        "start_date=%EF%BC%92024-01-01",
        "start_date=99999-01-01",
        "start_date=-000001-01-01",
        "start_date=1969-12-31",
        "start_date=1970-01-01",
        "start_date=0001-01-01&end_date=9999-12-31",
        "start_date=1970-01-01&end_date=9999-12-31",
        "end_date=24-01-01",
        "end_date=2024-01-01T25:00:00Z",
        "end_date=now()",
        "end_date=USAGE%232024-01-01",
        "end_date=2024-01-01&start_date=2024-01-02",
        "end_date=%ff",
    ];
    let cases: Vec<_> = queries
        .into_iter()
        .map(str::to_owned)
        .chain([format!("period={long}"), format!("start_date={long}"), format!("end_date={long}")])
        .map(|query| {
            let name = query.chars().take(60).collect::<String>();
            let target = format!("/analytics/usage?{query}");
            Case::new(format!("GET /analytics/usage?{name}"), by(&victim.user, "GET", &target), 400)
        })
        .collect();
    victim.withstands(cases, &[]).await
}
