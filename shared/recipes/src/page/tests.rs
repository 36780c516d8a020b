//! Pages as portals have them, and as they should not have them.

use serde_json::{Value, json};

use super::*;
use crate::Recipes;

const URL: &str = "https://portal.example/app/records?page=1";

/// A recipe of a table with three columns.
fn recipe() -> Recipe {
    let recipe = json!({
        "portal": "test", "version": 1, "title": "Things",
        "login": {
            "page": "login", "form": "form#login", "user": "u", "password": "p", "carry": ["token"],
            "succeeded": "#out", "rejected": ".error"
        },
        "entity": {"selector": "#out", "attr": "title"},
        "listings": [{"name": "Things", "page": "things"}],
        "records": {"table": {
            "table": "table.t", "ignore": "tr.pager", "empty": ".none", "total": {"selector": ".total", "after": "of"},
            "current": ".at", "next": "a.next", "paging": "link"
        }},
        "columns": [
            {"header": "Id", "name": "id", "unique": true},
            {"header": "Amount", "name": "amount", "type": "integer", "optional": true},
            {"header": "Actions", "type": "ignored"}
        ],
        "file": {"name": "things", "formats": ["csv"]},
        "limits": {"pages": 10, "rows": 100, "bytes": 100_000, "sign_ins": 3, "page_seconds": 5}
    });
    Recipe::parse(&recipe.to_string()).unwrap()
}

fn read(html: &str) -> Result<Page, Fault> {
    read_records(&recipe(), "Things", 0, html, &URL.parse().unwrap())
}

/// A page with this table, which says that it has two records.
fn page_of(table: &str) -> String {
    format!("<p class=total>1 to 2 of 2</p>{table}")
}

/// What is read of a page, in short.
fn told(html: &str) -> String {
    match read(html) {
        Ok(page) => {
            let rows: Vec<_> = page.rows.into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect();
            rows.join(" ")
        }
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn rows_are_read_however_the_table_is_written() {
    let expected = r#"{"id":"A 1","amount":5} {"id":"B","amount":null}"#;
    for table in [
        "<table class=t><tr><th>Id<th>Amount<th>Actions<tr><td>A\n 1<td>5<td>x<tr><td>B<td> <td>y</table>",
        "<table class=t><thead><tr><th>Id</th><th>Amount</th><th>Actions</th></tr></thead><tbody><tr><td>A&nbsp;<b>1</b></td><td>5</td><td></td></tr><tr><td>B</td><td>&nbsp;</td><td></td></tr></tbody></table>",
        // Other places, which is the same table.
        "<table class=t><tr><th>Actions<th>Amount<th>Id<tr><td><td>5<td>A 1<tr><td><td><td>B</table>",
        // Headers in groups, a pager, a footer, a table in a cell.
        "<table class=t><thead><tr><th colspan=2>Group<th>More<tr><th>Id<th>Amount<th>Actions<tbody><tr><td>A 1<td>5<td><table><tr><td>inner</table><tr class=pager><td colspan=3>1 2 3<tr><td>B<td><td><tfoot><tr><td>Sum<td>5<td></table>",
        "<table class=t><tr><td>Id<td>Amount<td>Actions</table><table class=other></table>",
    ] {
        let told = told(&page_of(table));
        if table.contains("<td>Id") {
            // Cells of data are no header.
            assert_eq!(told, "the page's layout has changed: there is no header of the table (table.t)");
        } else {
            assert_eq!(told, expected, "{table}");
        }
    }
    assert_eq!(told("<p class=total>0 of 0</p><p class=none>Nothing</p>"), "");
}

#[test]
fn what_has_changed_is_told() {
    let header = "<table class=t><tr><th>Id<th>Amount<th>Actions";
    for (html, expected) in [
        (page_of("<table class=t><tr><th>Id<th>Actions</table>"), "the table has no column 'Amount'"),
        (
            page_of("<table class=t><tr><th>Id<th>Sum<th>Actions</table>"),
            "the table has no column 'Amount', and has one that the recipe does not know: 'Sum'",
        ),
        (
            page_of("<table class=t><tr><th>Id<th>Amount<th>Actions<th>Status</table>"),
            "the table has a column that the recipe does not know: 'Status'",
        ),
        (page_of("<table class=t><tr><th>Id<th>Amount<th>Amount</table>"), "two columns are called 'Amount'"),
        (
            page_of("<table class=t><tr><th>id<th>Amount<th>Actions</table>"),
            "the table has no column 'Id', and has one that the recipe does not know: 'id'",
        ),
        (page_of("<p>nothing</p>"), "there is no table (table.t)"),
        (page_of(&format!("{header}</table>{header}</table>")), "there is more than one table (table.t)"),
        (page_of(&format!("{header}<tr><td>A<td>1</table>")), "row 1 has 2 cells for 3 columns"),
        (
            page_of(&format!("{header}<tr><td>A<td>1<td>x<tr><td>B<td>1<td>x<td>y</table>")),
            "row 2 has 4 cells for 3 columns",
        ),
        (page_of(&format!("{header}<tr><td>A<td>1<td colspan=2>x</table>")), "row 1 has 3 cells for 3 columns"),
        (format!("{header}</table>"), "there is no total (.total)"),
        (format!("<p class=total>of many</p>{header}</table>"), "total should be a whole number, and is 'many'"),
        (format!("<p class=total>of -5</p>{header}</table>"), "total should be a whole number, and is '-5'"),
        (
            format!("{}<i class=at>first</i>", page_of(&format!("{header}</table>"))),
            "number of the page should be a whole number, and is 'first'",
        ),
        (
            format!("{}<a class=next>", page_of(&format!("{header}</table>"))),
            "there is no link to the next page (a.next)",
        ),
    ] {
        let told = told(&html);
        assert_eq!(told, format!("the page's layout has changed: {expected}"), "{html}");
    }
}

#[test]
fn cells_are_what_their_column_says_or_a_fault() {
    let columns = |column: serde_json::Value| serde_json::from_value::<crate::recipe::Column>(column).unwrap();
    let integer = || columns(json!({"header": "H", "name": "h", "type": "integer"}));
    let decimal = || columns(json!({"header": "H", "name": "h", "type": "decimal"}));
    let text = || columns(json!({"header": "H", "name": "h"}));
    let optional = || columns(json!({"header": "H", "name": "h", "optional": true}));
    let date = |format: &str| columns(json!({"header": "H", "name": "h", "type": "date", "format": format}));
    for (column, cell, expected) in [
        (integer(), "0", Some(json!(0))),
        (integer(), "1,234", Some(json!(1_234))),
        (integer(), "12,34,567", Some(json!(1_234_567))),
        (integer(), "-7", Some(json!(-7))),
        (integer(), "5.00", Some(json!(5))),
        (integer(), "9223372036854775807", Some(json!(i64::MAX))),
        (integer(), "9223372036854775808", None),
        (integer(), "5.5", None),
        (integer(), "5 MT", None),
        (integer(), "Rs. 5", None),
        (integer(), "1 2", None),
        (integer(), "1-2", None),
        (integer(), "five", None),
        (integer(), "-", None),
        (integer(), "", None),
        (integer(), "१२", None),
        (decimal(), "1,23,456.75", Some(json!(123_456.75))),
        (decimal(), "0.1", Some(json!(0.1))),
        (decimal(), "-0.5", Some(json!(-0.5))),
        (decimal(), "7.00", Some(json!(7))),
        (decimal(), "123456789012.345", Some(json!(123_456_789_012.345))),
        (decimal(), "1234567890123.456", None),
        (decimal(), "1e5", None),
        (decimal(), "NaN", None),
        (decimal(), "1.2.3", None),
        (text(), "अ & <b>", Some(json!("अ & <b>"))),
        (text(), "", None),
        (date("%d-%m-%Y"), "22-11-26", None),
        (date("%d-%m-%Y"), "22-11-226", None),
        (integer(), "1.000", None),
        (integer(), "100-", None),
        (decimal(), ",5", None),
        (decimal(), "12,34", None),
        (optional(), "", Some(json!(null))),
        (date("%d-%m-%Y"), "22-11-2026", Some(json!("2026-11-22"))),
        (date("%d %b %Y"), "01 Feb 2026", Some(json!("2026-02-01"))),
        (date("%d-%m-%Y"), "31-02-2026", None),
        (date("%d-%m-%Y"), "2026-11-22", None),
        (date("%d-%m-%Y"), "22-11-2026 10:00", None),
    ] {
        let read = cells::read(&column, 1, cell);
        assert_eq!(read.as_ref().ok(), expected.as_ref(), "{cell}: {read:?}");
    }
    let long = "x".repeat(200_000);
    let fault = cells::read(&integer(), 7, &long).unwrap_err().to_string();
    assert_eq!(fault, format!("row 7: 'H' should be a whole number, and is '{}…'", "x".repeat(80)));
    // What a cell of a workbook holds, and no more; nor what was cut before.
    for (cell, is_read) in [
        ("x".repeat(32_767), true),
        ("x".repeat(32_768), false),
        ("\u{1f600}".repeat(16_381), true),
        ("\u{1f600}".repeat(16_384), false),
        ("अ".repeat(21_842), true),
        ("अ".repeat(21_845), false),
        (long, false),
    ] {
        assert_eq!(cells::read(&text(), 1, &cell).is_ok(), is_read, "{} bytes", cell.len());
    }
}

#[test]
fn forms_are_sent_as_a_browser_sends_them() {
    let html = r#"<base href="/other/"><form id=login method=POST action="go?x=1"><input type=hidden name=token value="a&amp;b"><input name=u value=old>
        <input type=PASSWORD name=p><input type=checkbox name=c1 checked><input type=checkbox name=c2><input type=radio name=r value=1><input type=radio name=r value=2 checked>
        <input type=submit name=s value=Go><input type=file name=f><input name=gone disabled><input value=nameless>
        <select name=l><option>one<option value=2 selected>two</select><select name=e></select><textarea name=t>
some text</textarea></form>"#;
    let recipe = recipe();
    let document = Document::parse(html, &URL.parse().unwrap()).unwrap();
    let form = document.login_form(&recipe.login).unwrap();
    assert_eq!(form.action.as_str(), "https://portal.example/other/go?x=1");
    let sent = form.filled([("u", "me".to_owned()), ("extra", "1".to_owned())]);
    let sent: Vec<_> = sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(sent, ["token=a&b", "u=me", "p=", "c1=on", "r=2", "l=2", "t=some text", "extra=1"]);
}

#[test]
fn a_login_form_that_has_changed_is_told() {
    let recipe = recipe();
    for (html, expected) in [
        ("<p>", "there is no login form (form#login)"),
        (
            "<form id=login method=post></form><form id=login method=post></form>",
            "there is more than one login form (form#login)",
        ),
        (
            "<form id=login><input name=token><input name=u><input name=p></form>",
            "the form is not one that is posted within the portal",
        ),
        ("<form id=login method=post><input name=u><input name=p></form>", "the form has no field 'token'"),
        ("<form id=login method=post><input name=token><input name=p></form>", "the form has no field 'u'"),
        ("<form id=login method=post><input name=token><input name=u></form>", "the form has no field 'p'"),
    ] {
        let document = Document::parse(html, &URL.parse().unwrap()).unwrap();
        let fault = document.login_form(&recipe.login).unwrap_err().to_string();
        assert_eq!(fault, format!("the page's layout has changed: {expected}"), "{html}");
    }
    let many = format!("<form id=login method=post>{}</form>", "<input name=x>".repeat(1_001));
    assert!(Document::parse(&many, &URL.parse().unwrap()).unwrap().login_form(&recipe.login).is_err());
}

#[test]
fn what_the_page_after_signing_in_says_is_understood() {
    let recipe = recipe();
    for (html, expected) in [
        ("<a id=out title=' Ganga Ltd '>", Told::SignedIn { entity: Some("Ganga Ltd".to_owned()) }),
        ("<a id=out>", Told::SignedIn { entity: None }),
        ("<p class=error>No\n such user</p><form id=login>", Told::Rejected(Some("No such user".to_owned()))),
        ("<form id=login>", Told::Rejected(None)),
        // Also where the form is another one now; but not where it is for another password.
        ("<form><input type='password'></form>", Told::Rejected(None)),
        ("<a id=out><form><input type='password'></form>", Told::SignedIn { entity: None }),
        ("<p>Please accept our new terms</p>", Told::Unclear),
        ("", Told::Unclear),
    ] {
        assert_eq!(Document::parse(html, &URL.parse().unwrap()).unwrap().told(&recipe), expected, "{html}");
    }
}

#[test]
fn a_login_form_is_known_wherever_it_is() {
    for html in [
        "<form id=login></form>",
        "<div class=modal><input type=Password></div>",
        "<p class=total>of 1</p><table class=t></table><form id=login></form>",
    ] {
        assert!(matches!(read(html), Err(Fault::SignedOut)), "{html}");
    }
    let recipes = Recipes::load().unwrap();
    let json = recipes.of("bwmr").unwrap();
    let read = |text| read_records(&json, "x", 0, text, &URL.parse().unwrap()).err().map(|fault| fault.to_string());
    assert_eq!(read("<input type=password>").unwrap(), Fault::SignedOut.to_string());
    assert_eq!(read("<p>Sorry").unwrap(), "the portal answered with something else than JSON");
}

#[test]
fn records_in_json_are_read_or_told_about() {
    let recipe = Recipes::load().unwrap().of("bwmr").unwrap();
    let record = json!({
        "DT_RowIndex": 1, "txn": "T1", "producer": " A  B ", "recycler": "R", "battery_type": "Zinc", "credits": "1,234.50",
        "units": 7, "transferred_on": "01 Feb 2026", "certificate": null
    });
    let told = |change: &dyn Fn(&mut Value)| {
        let mut answer = json!({"draw": 1, "recordsTotal": 3, "data": [record.clone()]});
        change(&mut answer);
        match read_records(&recipe, "x", 1, &answer.to_string(), &URL.parse().unwrap()) {
            Ok(page) => {
                format!("{} of {}, more: {}: {}", page.rows.len(), page.total, page.next.is_some(), json!(page.rows))
            }
            Err(fault) => fault.to_string(),
        }
    };
    assert_eq!(
        told(&|_| ()),
        r#"1 of 3, more: true: [{"transaction_id":"T1","producer":"A B","recycler":"R","battery_type":"Zinc","credits_kg":1234.5,"units":7,"transferred_on":"2026-02-01","certificate":null}]"#
    );
    assert!(told(&|answer| answer["recordsTotal"] = json!("2")).starts_with("1 of 2, more: false"));
    let changed = "the page's layout has changed: ";
    for (change, expected) in [
        (&(|answer: &mut Value| answer["recordsTotal"] = json!(-1)) as &dyn Fn(&mut Value), format!("{changed}total should be a whole number, and is '-1'")),
        (&|answer| answer["recordsTotal"] = json!(null), format!("{changed}total should be a whole number, and is ''")),
        (&|answer| *answer = json!({"recordsTotal": 1}), format!("{changed}there is no list of records (/data)")),
        (&|answer| *answer = json!({"data": []}), format!("{changed}there is no total (/recordsTotal)")),
        (&|answer| *answer = json!([]), format!("{changed}there is no total (/recordsTotal)")),
        (&|answer| answer["data"] = json!([5]), format!("{changed}there is no record in a row (/data/0)")),
        (&|answer| answer["data"][0]["new"] = json!(1), format!("{changed}the table has a column that the recipe does not know: 'new'")),
        (&|answer| answer["data"][0] = json!({"txn": 1}), format!("{changed}the table has no column 'DT_RowIndex', 'producer', 'recycler', 'battery_type', 'credits', '3 more'").replace("'3 more'", "3 more")),
        (&|answer| answer["data"][0]["units"] = json!(1.5), "row 1: 'Units' should be a whole number, and is '1.5'".to_owned()),
        (&|answer| answer["data"][0]["producer"] = json!(1.5), "row 1: 'Producer' should be a text of at most 32767 characters and 65528 bytes, and is '1.5'".to_owned()),
        (&|answer| answer["data"][0]["producer"] = json!(["A"]), "row 1: 'Producer' should be a text of at most 32767 characters and 65528 bytes, and is '[\"A\"]'".to_owned()),
        (&|answer| answer["data"][0]["certificate"] = json!({}), "row 1: 'Certificate' should be a text of at most 32767 characters and 65528 bytes, and is '{}'".to_owned()),
        (&|answer| answer["data"][0]["units"] = json!({"a": 1}), "row 1: 'Units' should be a whole number, and is '{\"a\":1}'".to_owned()),
    ] {
        assert_eq!(told(change), expected);
    }
}

#[test]
fn hostile_pages_end_in_an_error() {
    for html in [
        "<table class=t><tr><td>".repeat(3_000),
        "<div>".repeat(10_000),
        "<form id=x><table class=t>".repeat(3_000),
        format!("<table class=t><tr><th>Id<th>Amount<th>Actions{}</table>", "<tr><td>".repeat(50_000)),
        format!("<table class=t><tr>{}</table>", "<th>x".repeat(50_000)),
        "<".repeat(200_000),
        "&".repeat(200_000),
        "\0".repeat(200_000),
        "<!--".repeat(50_000),
        "<svg><math><template><select>".repeat(2_000),
        String::new(),
    ] {
        assert!(read(&html).is_err(), "{html:.60}");
    }
}
