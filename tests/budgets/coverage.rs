//! No endpoint of the extraction cloud or of the video jobs is without a row.

use std::collections::BTreeSet;

use anyhow::ensure;
use drover_tests::routes::{Endpoint, extract_cloud, is_of_route, video_jobs};

use super::bound::Bound;
use super::{analytics, billing, dead_letters, endpoints, identity, video, webhooks};

#[test]
fn every_endpoint_of_the_extraction_cloud_has_a_row() -> anyhow::Result<()> {
    let mut rows: Vec<_> = endpoints::bounds("", "").iter().map(Bound::endpoint).collect();
    rows.extend(identity::bounds().iter().map(Bound::endpoint));
    rows.extend(billing::bounds().iter().map(Bound::endpoint));
    rows.extend(analytics::bounds().iter().map(Bound::endpoint));
    rows.extend(dead_letters::bounds().iter().map(Bound::endpoint));
    rows.extend(webhooks::bounds().iter().map(Bound::endpoint));
    all_have_rows(extract_cloud()?, &rows)
}

#[test]
fn every_endpoint_of_the_video_jobs_has_a_row() -> anyhow::Result<()> {
    let rows: Vec<_> = video::bounds().iter().map(video::Bound::endpoint).collect();
    all_have_rows(video_jobs()?, &rows)
}

fn all_have_rows(endpoints: BTreeSet<Endpoint>, rows: &[(String, &str)]) -> anyhow::Result<()> {
    let has_row = |method: &str, route: &str| rows.iter().any(|(of, path)| of == method && is_of_route(path, route));
    let missing: Vec<_> = endpoints.into_iter().filter(|(method, route)| !has_row(method, route)).collect();
    ensure!(missing.is_empty(), "endpoints without a row in tests/budgets: {missing:?}");
    Ok(())
}
