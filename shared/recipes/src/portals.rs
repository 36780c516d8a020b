//! The recipes that there are: one file for each portal, compiled in. Each is held to the schema when it is built (`build.rs`), and read whole when a
//! function starts.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use crate::recipe::{Mistake, Recipe};

const FILES: [(&str, &str); 3] = [
    ("bwmr", include_str!("../portals/bwmr.json")),
    ("ewmr", include_str!("../portals/ewmr.json")),
    ("pwmr", include_str!("../portals/pwmr.json")),
];

/// A recipe that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the recipe of {portal} is not one: {mistake}")]
pub struct RecipeError {
    /// The file's name.
    pub portal: String,
    /// Why.
    pub mistake: Mistake,
}

/// All recipes, by the names of their portals.
#[derive(Clone, Debug)]
pub struct Recipes(HashMap<&'static str, Arc<Recipe>>);

impl Recipes {
    /// Reads them all. For a function's start: one mistake in any of them is an error.
    pub fn load() -> Result<Self, RecipeError> {
        let recipes = FILES.into_iter().map(|(portal, text)| Ok((portal, Arc::new(read(portal, text)?))));
        recipes.collect::<Result<_, _>>().map(Self)
    }

    /// The recipe of a portal.
    #[must_use]
    pub fn of(&self, portal: &str) -> Option<Arc<Recipe>> {
        self.0.get(portal).cloned()
    }
}

fn read(portal: &str, text: &str) -> Result<Recipe, RecipeError> {
    let fault = |mistake| RecipeError { portal: portal.to_owned(), mistake };
    let recipe = Recipe::parse(text).map_err(fault)?;
    if recipe.portal.as_str() != portal {
        let reason = format!("the file is called {portal}.json");
        return Err(fault(Mistake { place: "portal".to_owned(), reason }));
    }
    Ok(recipe)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    const BWMR: usize = 0;
    const EWMR: usize = 1;
    const PWMR: usize = 2;

    #[test]
    fn every_file_is_a_recipe_and_every_recipe_is_loaded() {
        let recipes = Recipes::load().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("portals");
        let files: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let loaded: BTreeSet<_> = recipes.0.keys().map(|portal| (*portal).to_owned()).collect();
        assert_eq!(files, loaded);
    }

    /// The recipe of a portal, with the value at `place` changed; `null` takes it away.
    fn altered(portal: usize, place: &str, value: Value) -> Value {
        let (portal, text) = FILES[portal];
        let mut recipe: Value = serde_json::from_str(text).unwrap();
        let (parent, field) = place.rsplit_once('/').unwrap();
        let parent = recipe.pointer_mut(parent).unwrap_or_else(|| panic!("{portal} has no {place}"));
        match parent {
            Value::Object(object) if value.is_null() => drop(object.remove(field)),
            Value::Object(object) => drop(object.insert(field.to_owned(), value)),
            Value::Array(array) => array[field.parse::<usize>().unwrap()] = value,
            _ => panic!("{place}"),
        }
        recipe
    }

    fn changed(portal: usize, place: &str, value: Value) -> Option<Mistake> {
        let recipe = altered(portal, place, value).to_string();
        read(FILES[portal].0, &recipe).err().map(|error| error.mistake)
    }

    #[test]
    fn what_has_not_the_form_of_a_recipe_is_not_built() {
        let schema = serde_json::from_str(include_str!("../recipe.schema.json")).unwrap();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        for (portal, place, value) in [
            (PWMR, "/columns/0/colour", json!("red")),
            (PWMR, "/login/succeeded", json!(null)),
            (PWMR, "/login/page", json!("https://elsewhere.example/login")),
            (PWMR, "/login/page", json!("//elsewhere.example/login")),
            (PWMR, "/login/page", json!("../Login.aspx")),
            (PWMR, "/login/page", json!("\\\\elsewhere.example")),
            (PWMR, "/version", json!(0)),
            (PWMR, "/version", json!("1")),
            (PWMR, "/columns/1/type", json!("money")),
            (PWMR, "/columns/1/format", json!("%d-%m-%Y")),
            (PWMR, "/columns/1/name", json!(null)),
            (PWMR, "/columns/1/name", json!("Reg No")),
            (PWMR, "/columns", json!([])),
            (PWMR, "/records/table/paging", json!({"guess": {}})),
            (PWMR, "/limits/rows", json!(10_000_000)),
            (PWMR, "/file/formats", json!(["csv", "csv"])),
            (BWMR, "/records/json/rows", json!("data")),
            (BWMR, "/records/json/page_size", json!(0)),
        ] {
            assert!(!schema.is_valid(&altered(portal, place, value.clone())), "{place} = {value}");
            assert!(changed(portal, place, value.clone()).is_some(), "{place} = {value}: the types take it");
        }
        assert!(schema.is_valid(&altered(PWMR, "/entity", json!(null))));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (portal, place, value, expected) in [
            (PWMR, "/columns/0/colour", json!("red"), "columns[0].colour: unknown field `colour`"),
            (PWMR, "/login/succeeded", json!(null), "login: missing field `succeeded`"),
            (PWMR, "/login/form", json!("form["), "login.form: 'form[' is not a valid CSS selector"),
            (
                PWMR,
                "/login/page",
                json!("https://elsewhere.example/login"),
                "login.page: 'https://elsewhere.example/login' is not a path",
            ),
            (
                PWMR,
                "/login/page",
                json!("//elsewhere.example/login"),
                "login.page: '//elsewhere.example/login' is not a path",
            ),
            (PWMR, "/login/page", json!("/Login.aspx"), "login.page: '/Login.aspx' is not a path"),
            (PWMR, "/login/page", json!("../Login.aspx"), "login.page: '../Login.aspx' is not a path"),
            (PWMR, "/login/page", json!("\\\\elsewhere.example"), "login.page: "),
            (PWMR, "/portal", json!("bwmr"), "portal: the file is called pwmr.json"),
            (PWMR, "/version", json!(0), "version: versions begin with 1"),
            (PWMR, "/version", json!("1"), "version: invalid type: string \"1\", expected u32"),
            (PWMR, "/columns/1/type", json!("money"), "columns[1].type: unknown variant `money`"),
            (PWMR, "/columns/1/format", json!("%d"), "columns[1].format: "),
            (PWMR, "/columns/1/format", json!("%d-%m-%Y"), "columns[1]: a date has a format, and nothing else has"),
            (PWMR, "/columns/1/name", json!(null), "columns[1]: a column has a name"),
            (PWMR, "/columns/1/name", json!("Reg No"), "columns[1].name: 'Reg No' is not a name"),
            (PWMR, "/columns/1/key", json!("x"), "columns[1]: only records in JSON have keys"),
            (PWMR, "/columns", json!([]), "columns: there must be 1 to 100"),
            (
                PWMR,
                "/records/table/paging/form/fields",
                json!({"a": "b"}),
                "records.table.paging.form.fields: none says",
            ),
            (PWMR, "/records/table/paging", json!({"guess": {}}), "records.table.paging"),
            (PWMR, "/limits/pages", json!(0), "limits: each must be 1 or more"),
            (PWMR, "/limits/rows", json!(10_000_000), "limits: each must be 1 or more"),
            (PWMR, "/file/formats", json!(["csv", "csv"]), "file.formats: one of each"),
            (PWMR, "/file/name", json!("../x"), "file.name: '../x' is not a name"),
            (BWMR, "/columns/1/key", json!(null), "columns[1]: of records in JSON, a column has a key"),
            (BWMR, "/records/json/rows", json!("data"), "records.json.rows: 'data' is not a JSON pointer"),
            (BWMR, "/records/json/query", json!({}), "records.json.query: nothing says"),
            (BWMR, "/records/json/page_size", json!(0), "records.json.page_size: "),
            (BWMR, "/records/json/headers", json!({"a b": "p"}), "records.json.headers: one is not the name"),
            (EWMR, "/overall", json!(null), "overall: several listings must add up to it"),
            (EWMR, "/listings/1/name", json!("Producers"), "listings: two have the same name"),
            (EWMR, "/listing_column", json!("registration_no"), "columns: two have the same name"),
        ] {
            let mistake = changed(portal, place, value.clone()).map(|mistake| mistake.to_string()).unwrap_or_default();
            assert!(mistake.starts_with(expected), "{place} = {value}: {mistake}");
        }
        assert_eq!(changed(PWMR, "/entity", json!(null)), None);
        assert!(Recipe::parse("{} x").is_err() && Recipe::parse("").is_err());
    }
}
