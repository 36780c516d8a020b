use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SHOP: &str = r#"<!doctype html><html lang=en><head><title>Shop</title></head><body>
    <h1>  The
       <em>shop</em>&nbsp;! </h1>
    <ul>
      <li class=product data-id=1><a class=title href="/p/1">Tea <b>pot</b></a> <span class=price>£1,234.50</span> <i class=stars>4</i></li>
      <li class=product data-id=2><a class=title href="p/2?a=1&amp;b=2">Cup</a> <span class=price>free</span> <i class=stars>5</i></li>
      <li class=product><a class=title>Spoon</a> <span class=price>3</span></li>
    </ul></body></html>"#;

fn compile(specs: &Value) -> Result<Selectors, Vec<FieldFault>> {
    Selectors::compile(&serde_json::from_value(specs.clone()).unwrap())
}

fn extract(specs: &Value, html: &str) -> (Value, Vec<String>) {
    let url = "http://shop.example/list/index.html".parse().unwrap();
    let Extraction { rows, warnings } = compile(specs).unwrap().extract(html, &url);
    (serde_json::to_value(rows).unwrap(), warnings)
}

#[test]
fn matches_side_by_side_make_rows() {
    let (rows, warnings) = extract(&json!({"title": ".title", "price": ".price", "stars": ".stars"}), SHOP);
    assert_eq!(
        rows,
        json!([
            {"title": "Tea pot", "price": "£1,234.50", "stars": "4"},
            {"title": "Cup", "price": "free", "stars": "5"},
            {"title": "Spoon", "price": "3", "stars": null},
        ])
    );
    assert_eq!(warnings, ["selector 'stars' matched 2 of 3 rows; values are aligned by position"]);
    let names: Vec<_> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["title", "price", "stars"], "fields keep the selectors' order");
}

#[test]
fn values_are_read_as_their_type() {
    let field = |selector: &str, attr: Option<&str>, value_type: &str| {
        let (rows, warnings) = extract(&json!({"x": {"selector": selector, "attr": attr, "type": value_type}}), SHOP);
        let values: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["x"].clone()).collect();
        (Value::from(values), warnings.join("; "))
    };
    for (selector, attr, value_type, values, warnings) in [
        ("h1", None, "string", json!(["The shop !"]), ""),
        ("html", Some("lang"), "string", json!(["en"]), ""),
        (
            ".product",
            Some("DATA-ID"),
            "integer",
            json!([1, 2, null]),
            "selector 'x': 1 of 3 values are null: the attribute 'data-id' is missing",
        ),
        (
            ".price",
            None,
            "number",
            json!([1234.5, null, 3.0]),
            "selector 'x': 1 of 3 values are null: they could not be read as a number",
        ),
        (".stars", None, "integer", json!([4, 5]), ""),
        (
            ".price",
            None,
            "integer",
            json!([null, null, 3]),
            "selector 'x': 2 of 3 values are null: they could not be read as a whole number",
        ),
        (
            ".title",
            Some("href"),
            "url",
            json!(["http://shop.example/p/1", "http://shop.example/list/p/2?a=1&b=2", null]),
            "selector 'x': 1 of 3 values are null: the attribute 'href' is missing",
        ),
        ("li:first-child .title", None, "url", json!(["http://shop.example/p/1"]), ""),
        ("li:first-child .title", None, "html", json!(["Tea <b>pot</b>"]), ""),
        (
            ".stars",
            None,
            "boolean",
            json!([null, null]),
            "selector 'x': 2 of 2 values are null: they could not be read as a yes or no",
        ),
    ] {
        assert_eq!(field(selector, attr, value_type), (values, warnings.to_owned()), "{selector} {value_type}");
    }
    let (rows, _) = extract(
        &json!({"on": {"selector": "input", "attr": "checked", "type": "boolean"}}),
        "<input checked><input><input checked=yes>",
    );
    assert_eq!(rows, json!([{"on": true}, {"on": null}, {"on": true}]));
}

#[test]
fn a_base_element_moves_relative_urls() {
    let specs = json!({"a": {"selector": "a", "type": "url"}});
    let (rows, _) = extract(&specs, "<base href='/elsewhere/'><a href=x>x</a><a href='http://['>y</a>");
    assert_eq!(rows, json!([{"a": "http://shop.example/elsewhere/x"}, {"a": null}]));
}

#[test]
fn multiple_gives_the_list_of_all_matches_in_every_row() {
    let all = json!({"selector": ".title", "multiple": true});
    let (rows, warnings) = extract(&json!({"all": all, "stars": {"selector": ".stars", "type": "integer"}}), SHOP);
    let titles = json!(["Tea pot", "Cup", "Spoon"]);
    assert_eq!(rows, json!([{"all": titles, "stars": 4}, {"all": titles, "stars": 5}]));
    assert!(warnings.is_empty(), "{warnings:?}");

    let (rows, warnings) = extract(&json!({"all": all, "none": ".none"}), SHOP);
    assert_eq!(rows, json!([{"all": titles, "none": null}]));
    assert_eq!(warnings, ["selector 'none' matched 0 of 1 rows; values are aligned by position"]);

    let (rows, warnings) = extract(&json!({"none": {"selector": ".none", "multiple": true}, "h": "h1"}), SHOP);
    assert_eq!(rows, json!([{"none": [], "h": "The shop !"}]));
    assert_eq!(warnings, ["selector 'none' matched nothing"]);
}

#[test]
fn no_match_at_all_is_no_row_and_a_warning() {
    for html in [SHOP, "", "not html", "<"] {
        let specs = json!({"x": ".nothing", "y": {"selector": ".nothing", "multiple": true}});
        assert_eq!(extract(&specs, html), (json!([]), vec!["no selector matched anything on the page".to_owned()]));
    }
}

#[test]
fn matches_come_in_the_documents_order_also_where_the_parser_moved_them() {
    let (rows, _) = extract(&json!({"x": "i"}), "<table><tr><td><i>2</i></td></tr><i>1</i></table>");
    assert_eq!(rows, json!([{"x": "1"}, {"x": "2"}]));
}

#[test]
fn every_fault_of_every_field_is_found() {
    let faults = compile(&json!({
        "ok": "h1",
        "empty": " ",
        "broken": "div[",
        "text": "h1::text",
        "hover": "a:frobnicate",
        "unexpected": "a >> b",
        "long": "a".repeat(MAX_SELECTOR_CHARS + 1),
        "_url": "a",
        "": "b",
        "both": {"selector": "", "attr": "a b"},
    }))
    .unwrap_err();
    let shown: Vec<_> = faults.iter().map(|(field, fault)| format!("{field}: {fault}")).collect();
    assert_eq!(
        shown,
        [
            "empty: the selector is empty",
            "broken: 'div[' is not a valid CSS selector: it ends too early",
            "text: 'h1::text' is not a valid CSS selector: pseudo-elements such as ::text are not supported; use `attr` for attributes",
            "hover: 'a:frobnicate' is not a valid CSS selector: it is incomplete or uses something that is not supported here",
            "unexpected: 'a >> b' is not a valid CSS selector: it is incomplete or uses something that is not supported here",
            "long: the selector is longer than 512 characters",
            "_url: '_url' is the name of a column of metadata",
            ": a field's name must have 1 to 128 characters",
            "both: an attribute's name must have 1 to 128 characters and no white space",
            "both: the selector is empty",
        ]
    );
}

#[test]
fn a_spec_is_a_string_or_an_object_and_stays_what_it_was() {
    for spec in [
        json!("h1"),
        json!({"selector": "h1", "type": "number", "multiple": true}),
        json!({"selector": "h1", "attr": "id", "type": "string", "multiple": false}),
    ] {
        assert_eq!(serde_json::to_value(serde_json::from_value::<SelectorSpec>(spec.clone()).unwrap()).unwrap(), spec);
    }
    for (spec, message) in [
        (json!(5), "invalid type: integer `5`, expected a CSS selector, or an object with one as `selector`"),
        (json!({"attr": "id"}), "missing field `selector`"),
        (json!({"selector": 1}), "invalid type: integer `1`, expected a string"),
        (
            json!({"selector": "a", "type": "date"}),
            "unknown variant `date`, expected one of `string`, `number`, `integer`, `boolean`, `url`, `html`",
        ),
    ] {
        assert_eq!(serde_json::from_value::<SelectorSpec>(spec).unwrap_err().to_string(), message);
    }
}

#[test]
fn rows_and_values_are_bounded() {
    let (rows, warnings) = extract(&json!({"x": "p"}), &"<p>1".repeat(MAX_ROWS + 5));
    assert_eq!(rows.as_array().unwrap().len(), MAX_ROWS);
    assert_eq!(warnings, ["selector 'x' matched more than 10000 times; only the first 10000 were taken"]);

    let long = format!("<p>{}</p><p>short</p>", "é ".repeat(MAX_VALUE_BYTES));
    for value_type in ["string", "html"] {
        let (rows, warnings) = extract(&json!({"x": {"selector": "p", "type": value_type}}), &long);
        assert!(rows[0]["x"].as_str().unwrap().len() <= MAX_VALUE_BYTES);
        assert_eq!(rows[1]["x"], "short");
        assert_eq!(warnings, ["selector 'x': 1 of 2 values were cut to 65536 bytes"]);
    }

    // A list of many, repeated in each of many rows.
    let specs = json!({"x": "p", "all": {"selector": "p", "multiple": true}});
    let (rows, warnings) = extract(&specs, &"<p>1".repeat(MAX_ROWS));
    assert_eq!(rows.as_array().unwrap().len(), MAX_PAGE_BYTES / (MAX_ROWS * 65));
    assert_eq!(warnings, ["only the first 51 of 10000 rows were kept: they would be too large"]);

    // The same long text in many nested elements.
    let nested = format!("{}{}", "<b>".repeat(2_000), "x".repeat(MAX_VALUE_BYTES));
    let (rows, warnings) = extract(&json!({"x": "b"}), &nested);
    assert!(rows.as_array().unwrap().len() <= MAX_PAGE_BYTES / MAX_VALUE_BYTES);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_page_made_to_be_slow_is_given_up() {
    let page = "<div>".repeat(2_000_000);
    assert!(document::parse(&page, Instant::now() + Duration::from_millis(200)).is_none());
    assert!(document::parse(SHOP, Instant::now() + MAX_TIME).is_some());
}

#[test]
fn selectors_and_what_they_give_can_be_shared_between_threads() {
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Selectors>();
    assert_shared::<Extraction>();
}

proptest! {
    #[test]
    fn row_i_has_each_fields_ith_match(counts in proptest::collection::vec(0_usize..6, 1..4)) {
        let mut html = String::new();
        for (field, count) in counts.iter().enumerate() {
            for i in 0..*count {
                write!(html, "<p class=f{field}>{field}.{i}</p>").unwrap();
            }
        }
        let specs = counts.iter().enumerate().map(|(field, _)| (format!("f{field}"), Value::from(format!(".f{field}"))));
        let (rows, warnings) = extract(&specs.collect(), &html);
        let wanted = *counts.iter().max().unwrap();
        prop_assert_eq!(rows.as_array().unwrap().len(), wanted);
        for (field, count) in counts.iter().enumerate() {
            for i in 0..wanted {
                let expected = (i < *count).then(|| format!("{field}.{i}"));
                prop_assert_eq!(&rows[i][format!("f{field}")], &json!(expected));
            }
        }
        let short = counts.iter().filter(|count| **count < wanted).count();
        prop_assert_eq!(warnings.len(), if wanted == 0 { 1 } else { short });
    }

    #[test]
    fn no_selector_and_no_page_panics(selector in "[a-z.#\\[\\]()>+~:*=\"' 0-9-]{0,20}", html in "[<>/a-z=\"' &;!-]{0,60}") {
        if let Ok(selectors) = compile(&json!({"x": selector})) {
            let _ = selectors.extract(&html, &"http://a.example/".parse().unwrap());
        }
    }
}
