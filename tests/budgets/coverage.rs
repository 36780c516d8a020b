//! No endpoint of the extraction cloud is without a row.

use anyhow::ensure;
use drover_tests::routes::{extract_cloud, is_of_route};

use super::bound::Bound;
use super::{analytics, billing, dead_letters, endpoints, identity, webhooks};

#[test]
fn every_endpoint_of_the_extraction_cloud_has_a_row() -> anyhow::Result<()> {
    let mut rows: Vec<_> = endpoints::bounds("", "").iter().map(Bound::endpoint).collect();
    rows.extend(identity::bounds().iter().map(Bound::endpoint));
    rows.extend(billing::bounds().iter().map(Bound::endpoint));
    rows.extend(analytics::bounds().iter().map(Bound::endpoint));
    rows.extend(dead_letters::bounds().iter().map(Bound::endpoint));
    rows.extend(webhooks::bounds().iter().map(Bound::endpoint));
    let has_row = |method: &str, route: &str| rows.iter().any(|(of, path)| of == method && is_of_route(path, route));
    let missing: Vec<_> = extract_cloud()?.into_iter().filter(|(method, route)| !has_row(method, route)).collect();
    ensure!(missing.is_empty(), "endpoints without a row in tests/budgets: {missing:?}");
    Ok(())
}
