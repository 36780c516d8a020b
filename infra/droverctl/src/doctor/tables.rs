//! Tables: their indexes, streams, time to live and point-in-time recovery.

use aws_sdk_dynamodb::types::{
    IndexStatus, KeySchemaElement, PointInTimeRecoveryStatus, TableDescription, TableStatus, TimeToLiveStatus,
};
use serde_json::Value as Json;

use crate::call::CallFault;
use crate::deployment::Deployment;

use super::expected::{Expected, Resource, is_true};
use super::finding::{About, Finding};
use super::seen;

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    let tables: Vec<_> = expected.of_kind("AWS::DynamoDB::Table").collect();
    let mut all = seen(tables.iter().copied(), |table| look_at(deployment, table)).await;
    if deployment.is_local() {
        let properties: Vec<_> = tables.iter().map(|table| &table.properties).collect();
        forgive(&properties, &mut all);
    }
    let judged = tables.iter().zip(all).map(|(table, seen)| match seen {
        Ok(seen) => judge(&table.name, &table.properties, &seen),
        Err(fault) => vec![About::new("table", &table.name).unseen("the table", &fault)],
    });
    judged.flatten().collect()
}

async fn look_at(deployment: &Deployment, table: &Resource) -> Result<Seen, CallFault> {
    let (client, name) = (&deployment.client, &table.name);
    let (described, time_to_live, backups) = tokio::join!(
        client.describe_table().table_name(name).send(),
        client.describe_time_to_live().table_name(name).send(),
        client.describe_continuous_backups().table_name(name).send(),
    );
    let described = described.map_err(|error| CallFault::of(&error))?;
    let described = described.table.unwrap_or_else(|| TableDescription::builder().build());
    let time_to_live = time_to_live.map_err(|error| CallFault::of(&error)).map(|answer| {
        let described = answer.time_to_live_description?;
        let is_on =
            matches!(described.time_to_live_status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
        described.attribute_name.filter(|_| is_on)
    });
    let recovery = backups.map_err(|error| CallFault::of(&error)).map(|answer| {
        let described =
            answer.continuous_backups_description.and_then(|backups| backups.point_in_time_recovery_description);
        described
            .is_some_and(|recovery| recovery.point_in_time_recovery_status == Some(PointInTimeRecoveryStatus::Enabled))
    });
    Ok(Seen {
        is_active: matches!(described.table_status, Some(TableStatus::Active | TableStatus::Updating)),
        indexes: indexes(&described),
        stream: described
            .stream_specification
            .as_ref()
            .filter(|stream| stream.stream_enabled)
            .map(|stream| stream.stream_view_type.as_ref().map(ToString::to_string).unwrap_or_default()),
        time_to_live,
        recovery,
    })
}

/// A table as it is.
struct Seen {
    is_active: bool,
    indexes: Vec<Index>,
    /// What its stream tells of, if it has one.
    stream: Option<String>,
    /// The attribute by which items go, if any.
    time_to_live: Result<Option<String>, CallFault>,
    recovery: Result<bool, CallFault>,
}

/// The attribute by which items of a table are to go.
fn expires_by(properties: &Json) -> Option<&str> {
    properties["TimeToLiveSpecification"]["AttributeName"].as_str()
}

/// Whether a table is to have point-in-time recovery.
fn can_recover(properties: &Json) -> bool {
    is_true(&properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
}

/// What no table of a local cloud has of what all were deployed with, its emulator does not take from the template: nobody switched it off.
fn forgive(properties: &[&Json], all: &mut [Result<Seen, CallFault>]) {
    let lacks = |is_meant: fn(&Json) -> bool, has: fn(&Seen) -> bool| {
        let mut meant = properties.iter().zip(all.iter()).filter(|(properties, _)| is_meant(properties));
        meant.all(|(_, seen)| seen.as_ref().is_ok_and(|seen| !has(seen)))
    };
    let no_expiry = lacks(|properties| expires_by(properties).is_some(), |seen| seen.time_to_live != Ok(None));
    let no_recovery = lacks(can_recover, |seen| seen.recovery != Ok(false));
    for seen in all.iter_mut().flatten() {
        if no_expiry {
            seen.time_to_live = Err(CallFault::not_known());
        }
        if no_recovery {
            seen.recovery = Err(CallFault::not_known());
        }
    }
}

#[derive(Clone)]
struct Index {
    name: String,
    /// Its keys' attributes, the hash's first.
    keys: Vec<String>,
    is_active: bool,
}

fn indexes(table: &TableDescription) -> Vec<Index> {
    let keys = |keys: &[KeySchemaElement]| keys.iter().map(|key| key.attribute_name().to_owned()).collect();
    let global = table.global_secondary_indexes().iter().map(|index| Index {
        name: index.index_name().unwrap_or_default().to_owned(),
        keys: keys(index.key_schema()),
        // An engine that has none is done with them at once.
        is_active: index.index_status().is_none_or(|status| *status == IndexStatus::Active),
    });
    let local = table.local_secondary_indexes().iter().map(|index| Index {
        name: index.index_name().unwrap_or_default().to_owned(),
        keys: keys(index.key_schema()),
        is_active: true,
    });
    global.chain(local).collect()
}

/// Indexes as the template has them: the name, its keys, and whether one can be added to a table that is there.
fn planned(properties: &Json) -> Vec<(&str, Vec<&str>, bool)> {
    let of = |kind: &str, can_be_added: bool| {
        let list = properties[kind].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(move |index| {
            let keys = index["KeySchema"].as_array()?.iter().filter_map(|key| key["AttributeName"].as_str());
            Some((index["IndexName"].as_str()?, keys.collect(), can_be_added))
        })
    };
    of("GlobalSecondaryIndexes", true).chain(of("LocalSecondaryIndexes", false)).collect()
}

fn judge(name: &str, properties: &Json, seen: &Seen) -> Vec<Finding> {
    let about = About::new("table", name);
    let mut wrong = Vec::new();
    if !seen.is_active {
        wrong.push(
            about.fault("it is not active", "wait, if it is being made or restored; see `aws dynamodb describe-table`"),
        );
    }
    let plan = planned(properties);
    for (index, keys, can_be_added) in &plan {
        wrong.extend(judge_index(&about, name, index, keys, *can_be_added, seen));
    }
    if let Some(view) = properties["StreamSpecification"]["StreamViewType"].as_str() {
        let set = format!(
            "aws dynamodb update-table --table-name {name} --stream-specification StreamEnabled=true,StreamViewType={view}"
        );
        match seen.stream.as_deref() {
            None => wrong.push(about.fault(
                "it has no stream: who is told of changes is told of none",
                format!("{set}; then point its event sources at the new stream"),
            )),
            Some(is) if is != view => wrong.push(about.fault(
                format!("its stream tells {is}, not {view}"),
                format!("switch it off, then on again: {set}; then point its event sources at the new stream"),
            )),
            Some(_) => {}
        }
    }
    if let Some(attribute) = expires_by(properties) {
        match &seen.time_to_live {
            Ok(Some(is)) if is == attribute => {}
            Ok(is) => {
                let what = is.as_ref().map_or_else(
                    || "no time to live".to_owned(),
                    |is| format!("a time to live by {is}, not {attribute}"),
                );
                wrong.push(about.fault(
                    format!("it has {what}: what is over stays, and is paid for"),
                    format!("aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification Enabled=true,AttributeName={attribute}"),
                ));
            }
            Err(fault) => wrong.push(about.unseen("its time to live", fault)),
        }
    }
    if can_recover(properties) {
        match &seen.recovery {
            Ok(true) => {}
            Ok(false) => wrong.push(about.fault(
                "it has no point-in-time recovery: what is lost is lost",
                format!("aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"),
            )),
            Err(fault) => wrong.push(about.unseen("its point-in-time recovery", fault)),
        }
    }
    about.or_ok(wrong, format!("active, {} indexes", plan.len()))
}

fn judge_index(
    about: &About,
    table: &str,
    index: &str,
    keys: &[&str],
    can_be_added: bool,
    seen: &Seen,
) -> Option<Finding> {
    let mend = if can_be_added {
        format!(
            "make it as template.yaml has it: aws dynamodb update-table --table-name {table} --attribute-definitions … --global-secondary-index-updates …"
        )
    } else {
        "it cannot be added to a table that is there: restore the table as of when it had it (docs/operations.md)"
            .to_owned()
    };
    let Some(is) = seen.indexes.iter().find(|is| is.name == index) else {
        return Some(about.fault(format!("it has no index `{index}`: what reads by it fails"), mend));
    };
    if is.keys != keys {
        return Some(
            about.fault(format!("its index `{index}` is by {}, not {}", is.keys.join(", "), keys.join(", ")), mend),
        );
    }
    (!is.is_active).then(|| {
        about.warning(format!("its index `{index}` is being made"), "wait: what reads by it fails until it is done")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Verdict;
    use super::*;

    fn plan() -> Json {
        json!({
            "GlobalSecondaryIndexes": [{"IndexName": "due", "KeySchema": [{"AttributeName": "job_kind", "KeyType": "HASH"}]}],
            "LocalSecondaryIndexes": [{"IndexName": "by_turn", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": true},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true},
        })
    }

    fn sound() -> Seen {
        let index =
            |name: &str, key: &str| Index { name: name.to_owned(), keys: vec![key.to_owned()], is_active: true };
        Seen {
            is_active: true,
            indexes: vec![index("due", "job_kind"), index("by_turn", "pk")],
            stream: Some("NEW_IMAGE".to_owned()),
            time_to_live: Ok(Some("expires_at".to_owned())),
            recovery: Ok(true),
        }
    }

    #[test]
    fn a_table_as_it_was_deployed_is_well() {
        let found = judge("t", &plan(), &sound());
        assert_eq!(found, [About::new("table", "t").ok("active, 2 indexes")]);
    }

    #[test]
    fn each_fault_of_a_table_is_found_alone() {
        let mut slow = sound();
        slow.indexes[0].is_active = false;
        let mut other_key = sound();
        other_key.indexes[0].keys = vec!["status".to_owned()];
        for (seen, verdict, word) in [
            (Seen { is_active: false, ..sound() }, Verdict::Fault, "not active"),
            (Seen { indexes: sound().indexes[1..].to_vec(), ..sound() }, Verdict::Fault, "no index `due`"),
            (Seen { indexes: sound().indexes[..1].to_vec(), ..sound() }, Verdict::Fault, "no index `by_turn`"),
            (other_key, Verdict::Fault, "by status, not job_kind"),
            (slow, Verdict::Warning, "being made"),
            (Seen { stream: None, ..sound() }, Verdict::Fault, "no stream"),
            (Seen { stream: Some("KEYS_ONLY".to_owned()), ..sound() }, Verdict::Fault, "tells KEYS_ONLY"),
            (Seen { time_to_live: Ok(None), ..sound() }, Verdict::Fault, "no time to live"),
            (Seen { time_to_live: Ok(Some("ttl".to_owned())), ..sound() }, Verdict::Fault, "by ttl"),
            (Seen { recovery: Ok(false), ..sound() }, Verdict::Fault, "no point-in-time recovery"),
        ] {
            let found = judge("t", &plan(), &seen);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].verdict == verdict && found[0].why.contains(word) && found[0].mend.is_some(),
                "{word}: {found:?}"
            );
        }
        let found = judge("t", &plan(), &Seen { recovery: Err(CallFault::not_known()), ..sound() });
        assert_eq!(found.iter().map(|found| found.verdict).collect::<Vec<_>>(), [Verdict::Ok, Verdict::NotChecked]);
    }

    #[test]
    fn what_an_emulator_keeps_of_no_table_is_held_against_none() {
        let plan = plan();
        let bare = || Ok(Seen { time_to_live: Ok(None), recovery: Ok(false), ..sound() });
        let worst = |seen: &Result<Seen, CallFault>| {
            let found = judge("t", &plan, seen.as_ref().unwrap());
            found.into_iter().map(|found| found.verdict).max()
        };
        let mut none = [bare(), bare()];
        forgive(&[&plan, &plan], &mut none);
        assert_eq!(none.iter().map(worst).collect::<Vec<_>>(), [Some(Verdict::NotChecked); 2]);
        let mut one = [bare(), Ok(sound())];
        forgive(&[&plan, &plan], &mut one);
        assert_eq!(one.iter().map(worst).collect::<Vec<_>>(), [Some(Verdict::Fault), Some(Verdict::Ok)]);
        // One that could not be looked at may have it.
        let mut unseen = [bare(), Err(CallFault::unreachable("no answer"))];
        forgive(&[&plan, &plan], &mut unseen);
        assert_eq!(worst(&unseen[0]), Some(Verdict::Fault));
    }
}
