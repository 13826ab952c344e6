//! The part of JSON Schema that the description uses. A word that is not known here fails the test:
//! nothing in the description goes unchecked.

use serde_json::Value;

/// Says where and why `value` is not what `schema` describes.
pub(super) fn check(
    root: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    wrong: &mut Vec<String>,
) {
    for (word, says) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                let path = says.as_str().unwrap().trim_start_matches('#');
                let found = root.pointer(path);
                let found = found.unwrap_or_else(|| panic!("{path} is not described"));
                check(root, found, value, at, wrong);
            }
            "type" => {
                let words = match says {
                    Value::Array(words) => words.iter().collect(),
                    word => vec![word],
                };
                if !words
                    .iter()
                    .any(|word| is_of(word.as_str().unwrap(), value))
                {
                    wrong.push(format!("{at}: {value} is no {says}"));
                }
            }
            "enum" => {
                if !value.is_null() && !says.as_array().unwrap().contains(value) {
                    wrong.push(format!("{at}: {value} is none of {says}"));
                }
            }
            "oneOf" => {
                let fits = |one: &&Value| {
                    let mut own = Vec::new();
                    check(root, one, value, at, &mut own);
                    own.is_empty()
                };
                let fitting = says.as_array().unwrap().iter().filter(fits).count();
                if fitting != 1 {
                    // The first is the one that says more than null.
                    check(root, &says[0], value, at, wrong);
                    wrong.push(format!("{at}: {fitting} of the choices fit"));
                }
            }
            "properties" => {
                for (name, of) in says.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(root, of, value, &format!("{at}/{name}"), wrong);
                    }
                }
            }
            "required" => {
                for name in says.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        wrong.push(format!("{at}: {name} is not there"));
                    }
                }
            }
            "additionalProperties" => {
                let named = |name: &str| {
                    let properties = schema.get("properties");
                    properties.is_some_and(|all| all.get(name).is_some())
                };
                for (name, value) in value.as_object().into_iter().flatten() {
                    match says {
                        _ if named(name) => {}
                        Value::Bool(false) => wrong.push(format!("{at}/{name} is not described")),
                        of => check(root, of, value, &format!("{at}/{name}"), wrong),
                    }
                }
            }
            "items" => {
                for (place, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, value, &format!("{at}/{place}"), wrong);
                }
            }
            "minItems" | "maxItems" => {
                let length = value.as_array().map(Vec::len);
                let limit = usize::try_from(says.as_u64().unwrap()).unwrap();
                let fits = |length: usize| {
                    if word == "minItems" {
                        length >= limit
                    } else {
                        length <= limit
                    }
                };
                if !length.is_none_or(fits) {
                    wrong.push(format!("{at}: {word} is {limit}: {value}"));
                }
            }
            "minimum" | "maximum" => {
                let (number, limit) = (value.as_f64(), says.as_f64().unwrap());
                let fits = |number: f64| {
                    if word == "minimum" {
                        number >= limit
                    } else {
                        number <= limit
                    }
                };
                if !number.is_none_or(fits) {
                    wrong.push(format!("{at}: {word} is {limit}: {value}"));
                }
            }
            "format" => {
                assert_eq!(says, "date-time", "{at}: a format that is not known");
                let is_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
                if !value.as_str().is_none_or(is_time) {
                    wrong.push(format!("{at}: {value} is no time"));
                }
            }
            "description" => {}
            other => panic!("{at}: {other} is not checked here"),
        }
    }
}

fn is_of(word: &str, value: &Value) -> bool {
    match word {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}
