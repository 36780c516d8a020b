//! The rules for single values as JSON Schema says them, for the document of the APIs. Each has its bounds from where its rule has them.

use utoipa::openapi::schema::{
    AnyOf, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOf, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use crate::rules::{LONGEST_ADDRESS, LONGEST_HOST, LONGEST_NAME};

pub use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
pub use utoipa::openapi::schema;
pub use utoipa::{IntoParams, PartialSchema, ToSchema};

/// Anything but control characters.
const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// The same, and not blank.
const NAMING: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";

/// A text of so many characters, none of them NUL.
#[must_use]
pub fn text<const LEAST: usize, const MOST: usize>() -> Object {
    pattern(LEAST, MOST, r"^[^\x00]*$")
}

/// A text of up to so many characters that is not blank; none of them NUL.
#[must_use]
pub fn words<const MOST: usize>() -> Object {
    pattern(1, MOST, r"^[^\x00]*[^\s\x00][^\x00]*$")
}

/// A text of so many characters of a pattern.
#[must_use]
pub fn pattern(least: usize, most: usize, pattern: &str) -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(most)).pattern(Some(pattern));
    text.min_length((least > 0).then_some(least)).build()
}

/// One of these words.
#[must_use]
pub fn one_of<const N: usize>(words: [&str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// Any of these words, as a list.
#[must_use]
pub fn any_of<const N: usize>(words: [&str; N]) -> schema::Array {
    ArrayBuilder::new().items(one_of(words)).build()
}

/// A whole number in these bounds.
#[must_use]
pub fn whole<const LEAST: u64, const MOST: u64>() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(LEAST)).maximum(Some(MOST)).build()
}

/// The number of something: positive.
#[must_use]
pub fn number() -> Object {
    whole::<1, { u64::MAX }>()
}

/// A whole number as a header has it, which is text: of so many digits that every one is a number.
#[must_use]
pub fn digits() -> Object {
    pattern(1, 19, "^(0|[1-9][0-9]{0,18})$")
}

/// `true` or `false`.
#[must_use]
pub fn flag() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).build()
}

/// An object of any fields.
#[must_use]
pub fn object() -> Object {
    let any = utoipa::openapi::schema::AdditionalProperties::FreeForm(true);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)).build()
}

/// Any JSON.
#[must_use]
pub fn any() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build()
}

/// A moment: RFC 3339, not before 1970.
#[must_use]
pub fn moment() -> Object {
    since_1970(KnownFormat::DateTime)
}

fn since_1970(format: KnownFormat) -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(19[7-9][0-9]|[2-9][0-9]{3})-"));
    text.format(Some(SchemaFormat::KnownFormat(format))).build()
}

/// A moment, or a day, which stands for its midnight, UTC.
#[must_use]
pub fn moment_or_day() -> RefOr<Schema> {
    RefOr::T(either(moment(), since_1970(KnownFormat::Date)))
}

fn either(one: Object, other: Object) -> Schema {
    let mut either = AnyOf::new();
    either.items = vec![RefOr::T(one.into()), RefOr::T(other.into())];
    Schema::AnyOf(either)
}

/// An id.
#[must_use]
pub fn uuid() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// [`crate::rules::name`].
#[must_use]
pub fn name() -> Object {
    pattern(1, LONGEST_NAME, NAMING)
}

/// [`crate::rules::line`].
#[must_use]
pub fn line<const MOST: usize>() -> Object {
    pattern(0, MOST, PLAIN)
}

/// A [`crate::rules::line`] with something in it.
#[must_use]
pub fn full_line<const MOST: usize>() -> Object {
    pattern(1, MOST, PLAIN)
}

/// Visible ASCII.
#[must_use]
pub fn visible<const MOST: usize>() -> Object {
    pattern(1, MOST, r"^[!-~]+$")
}

/// [`crate::rules::web_address`] and [`crate::rules::page_address`]. Of hosts the pattern has names of ASCII only; the rule takes every
/// address that browsers do.
#[must_use]
pub fn web_address() -> Object {
    address("https?")
}

/// A [`web_address`] over TLS.
#[must_use]
pub fn secure_address() -> Object {
    address("https")
}

fn address(scheme: &str) -> Object {
    let host = r"([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?";
    let rest = r"([/?#][^\x00-\x20\x7f-\x9f\\]*)?";
    // The format "uri" would have ASCII only.
    pattern(1, LONGEST_ADDRESS, &format!("^{scheme}://{host}(:[0-5]?[0-9]{{1,4}})?{rest}$"))
}

/// [`crate::rules::domain`].
#[must_use]
pub fn domain() -> Object {
    pattern(
        1,
        LONGEST_HOST,
        r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    )
}

/// [`crate::rules::host`], but for IP addresses of version 6.
#[must_use]
pub fn host() -> Object {
    pattern(
        1,
        LONGEST_HOST,
        r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
    )
}

/// [`crate::rules::country`].
#[must_use]
pub fn country() -> Object {
    pattern(2, 2, "^[A-Za-z]{2}$")
}

/// An e-mail address.
#[must_use]
pub fn email<const MOST: usize>() -> Object {
    let mut text = pattern(
        3,
        MOST,
        r"^[A-Za-z0-9]([A-Za-z0-9+_-]{0,30}[A-Za-z0-9])?@[a-z][a-z0-9]{0,20}(\.[a-z][a-z0-9]{0,20}){1,3}$",
    );
    text.format = Some(SchemaFormat::Custom("email".to_owned()));
    text
}

/// A schema with what is said of it.
#[must_use]
pub fn told(schema: impl Into<Schema>, description: &str) -> RefOr<Schema> {
    let mut schema = schema.into();
    if let Schema::Object(Object { description: told, .. }) | Schema::Array(schema::Array { description: told, .. }) =
        &mut schema
    {
        *told = Some(description.to_owned());
    }
    RefOr::T(schema)
}

/// The schema of a [`crate::form`]: these fields are needed, and null is no value of theirs; the others may be null, or not be there.
#[must_use]
pub fn form(schema: RefOr<Schema>, needed: &[&str]) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    for (name, property) in &mut object.properties {
        let is_needed = needed.contains(&name.as_str());
        let given = std::mem::replace(property, RefOr::Ref(Ref::new("")));
        *property = if is_needed { without_null(given) } else { or_null(given) };
    }
    object.required = needed.iter().map(|name| (*name).to_owned()).collect();
    RefOr::T(Schema::Object(object))
}

/// The same, or null.
#[must_use]
pub fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let widened = |of: SchemaType| match of {
        SchemaType::Type(only) => SchemaType::Array(vec![only, Type::Null]),
        others => others,
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = widened(object.schema_type);
            if let Some(words) = &mut object.enum_values
                && !words.iter().any(serde_json::Value::is_null)
            {
                words.push(serde_json::Value::Null);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = widened(array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        RefOr::Ref(reference) => {
            let mut either = OneOf::new();
            either.items = vec![RefOr::T(Schema::Object(Object::with_type(Type::Null))), RefOr::Ref(reference)];
            RefOr::T(Schema::OneOf(either))
        }
        RefOr::T(Schema::AnyOf(mut either)) => {
            either.items.push(RefOr::T(Schema::Object(Object::with_type(Type::Null))));
            RefOr::T(Schema::AnyOf(either))
        }
        other @ RefOr::T(_) => other,
    }
}

fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    let narrowed = |of: SchemaType| match of {
        SchemaType::Array(several) => {
            several.into_iter().find(|one| *one != Type::Null).map_or(SchemaType::AnyValue, SchemaType::Type)
        }
        one => one,
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = narrowed(object.schema_type);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = narrowed(array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(OneOf { items, .. })) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(only)) if only.schema_type == SchemaType::Type(Type::Null));
            items.into_iter().find(|item| !is_null(item)).unwrap_or_else(|| RefOr::T(Schema::Object(any())))
        }
        other => other,
    }
}

/// Describes a body that is read field by field. `needs` names the fields that must be there.
///
/// ```
/// use input::schema::{text, whole};
/// const LONGEST: usize = 40;
/// input::body! {
///     /// Who is greeted.
///     pub Greeting needs ["name"] {
///         "name" "How they are called." => text::<1, LONGEST>(),
///         "times" "How often; once unless given." => whole::<1, 5>(),
///     } example {"name": "Ada"}
/// }
/// ```
#[macro_export]
macro_rules! body {
    ($(#[doc = $doc:literal])* $vis:vis $name:ident needs $needed:tt {
        $($field:literal $told:literal => $schema:expr),* $(,)?
    } example $example:tt) => {
        $(#[doc = $doc])*
        $vis enum $name {}
        impl $crate::schema::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let object = utoipa::openapi::schema::ObjectBuilder::new()
                    .description(Some(concat!($($doc),*).trim()))
                    .examples([serde_json::json!($example)])
                    $(.property($field, $crate::schema::told($schema, $told)))*;
                $crate::schema::form(utoipa::openapi::RefOr::T(object.build().into()), &$needed)
            }
        }
        impl $crate::schema::ToSchema for $name {}
    };
}

/// Describes the parameters that an operation takes, each by where it is: `path`, `query` or `header`.
#[macro_export]
macro_rules! parameters {
    ($(#[doc = $doc:literal])* $vis:vis $name:ident { $($place:ident $field:literal $told:literal => $schema:expr),* $(,)? }) => {
        $(#[doc = $doc])*
        $vis enum $name {}
        impl $crate::schema::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<$crate::schema::ParameterIn>,
            ) -> Vec<$crate::schema::Parameter> {
                vec![$($crate::schema::parameter(stringify!($place), $field, $told, $schema.into())),*]
            }
        }
    };
}

/// One parameter; of a path it is needed, and of a query if its place is `needed`. Another of a query may be empty too, and is as if it were not given.
#[must_use]
pub fn parameter(place: &str, name: &str, description: &str, schema: Schema) -> Parameter {
    let is_needed = matches!(place, "path" | "needed");
    let place = match place {
        "path" => ParameterIn::Path,
        "header" => ParameterIn::Header,
        _ => ParameterIn::Query,
    };
    let may_be_empty = place == ParameterIn::Query && !is_needed;
    let nothing = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(0)).build();
    let schema = match schema {
        Schema::Object(text) if may_be_empty && (text.format.is_some() || text.min_length.is_some()) => {
            either(text, nothing())
        }
        Schema::AnyOf(mut texts) if may_be_empty => {
            texts.items.push(RefOr::T(nothing().into()));
            Schema::AnyOf(texts)
        }
        schema => schema,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(description))
        .required(if is_needed { utoipa::openapi::Required::True } else { utoipa::openapi::Required::False })
        .schema(Some(schema))
        .build()
}

/// Describes bodies that are forms: read by [`crate::form`], or by [`crate::form_needing`] what `needs` names.
#[macro_export]
macro_rules! forms {
    ($($(#[doc = $doc:literal])* $vis:vis $name:ident of $form:ty, needs $needed:expr, example $example:tt);* $(;)?) => {$(
        $(#[doc = $doc])*
        $vis enum $name {}
        impl $crate::schema::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let form = <$form as $crate::schema::PartialSchema>::schema();
                let example = serde_json::json!($example);
                $crate::schema::shown($crate::schema::form(form, &$needed), concat!($($doc),*).trim(), example)
            }
        }
        impl $crate::schema::ToSchema for $name {
            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
            ) {
                <$form as $crate::schema::ToSchema>::schemas(schemas);
            }
        }
    )*};
}

/// An object with what is said of it and an example.
#[must_use]
pub fn shown(schema: RefOr<Schema>, description: &str, example: serde_json::Value) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    object.description = Some(description.to_owned());
    object.examples = vec![example];
    RefOr::T(Schema::Object(object))
}

/// The schema of a body that is one form, or has many of them ([`crate::Batch`]).
#[must_use]
pub fn one_or_many<T: ToSchema>(naming: crate::Naming) -> RefOr<Schema> {
    let one = RefOr::Ref(Ref::from_schema_name(T::name()));
    let many = ArrayBuilder::new()
        .items(RefOr::<Schema>::Ref(Ref::from_schema_name(T::name())))
        .min_items(Some(1))
        .max_items(Some(crate::batch::MOST));
    let some = ObjectBuilder::new()
        .description(Some("Many of them: all are made or none, unless `partial` says that the valid ones are."))
        .property(naming.many, many)
        .property("partial", or_null(RefOr::T(flag().into())))
        .required(naming.many);
    let mut either = OneOf::new();
    either.items = vec![one, RefOr::T(some.build().into())];
    RefOr::T(Schema::OneOf(either))
}

/// Any text.
#[must_use]
pub fn any_text() -> Object {
    Object::with_type(Type::String)
}

/// What the next page is asked for by; null where there is none.
#[must_use]
pub fn cursor() -> RefOr<Schema> {
    or_null(told(any_text(), "What the next page is asked for by; null where there is none."))
}

/// A schema by its name.
#[must_use]
pub fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// A list of what has a schema with a name.
#[must_use]
pub fn list_of<T: ToSchema>() -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(reference::<T>()).build().into())
}

/// The schema of an answer, which has all of these fields.
#[must_use]
pub fn answer(description: &str, fields: Vec<(&str, RefOr<Schema>)>) -> RefOr<Schema> {
    let object = ObjectBuilder::new().description(Some(description));
    let object = fields.into_iter().fold(object, |object, (name, schema)| object.property(name, schema).required(name));
    RefOr::T(object.build().into())
}

/// The schema of what is answered to [`one_or_many`].
#[must_use]
pub fn made_one_or_many(naming: crate::Naming, one: RefOr<Schema>) -> RefOr<Schema> {
    let message = || RefOr::T(any_text().into());
    let told = ArrayBuilder::new().items(Object::with_type(Type::Object));
    let told =
        told.description(Some("Each with its place in the request: `id` if it was made, `errors` by field if not."));
    let many = vec![
        ("message", message()),
        ("created", RefOr::T(Object::with_type(Type::Integer).into())),
        (naming.many, RefOr::T(told.build().into())),
    ];
    let mut either = OneOf::new();
    either.items =
        vec![answer("One was made.", vec![("message", message()), (naming.one, one)]), answer("Some were made.", many)];
    RefOr::T(Schema::OneOf(either))
}

/// An object with another form in one of its fields ([`crate::form_with`]).
#[must_use]
pub fn with_field(schema: RefOr<Schema>, name: &str, inner: RefOr<Schema>, is_needed: bool) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    if is_needed {
        object.required.push(name.to_owned());
    }
    object.properties.insert(name.to_owned(), if is_needed { inner } else { or_null(inner) });
    RefOr::T(Schema::Object(object))
}
