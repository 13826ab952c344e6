//! `/api`: what scripts may ask, for people.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use serde_json::Value;

use super::DESCRIPTION;
use crate::web::pages::{Place, Reader, Shell, html};
use crate::web::{AppState, WebError};

/// `GET /api`
pub async fn show(State(state): State<AppState>, reader: Reader) -> Result<Html<String>, WebError> {
    html(&ApiPage {
        shell: Shell::of(&state, reader, Place::Elsewhere).await?,
        about: text(&DESCRIPTION["info"], "description"),
        groups: groups(&DESCRIPTION),
        shapes: shapes(&DESCRIPTION),
    })
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    shell: Shell,
    about: String,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    more: Option<String>,
    /// The token's scope; none where everybody may.
    scope: Option<String>,
    /// Of the path, the query and the body.
    takes: Vec<Field>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    kind: String,
    about: String,
    shape: Option<String>,
}

/// What an answer or a body is made of.
struct Shape {
    name: String,
    about: Option<String>,
    /// What it is, where it is no object.
    is: Option<String>,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: Kind,
    is_required: bool,
    about: String,
}

/// A type in words, and the shape that it leads to.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    words: String,
    shape: Option<String>,
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn pairs(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn groups(description: &Value) -> Vec<Group> {
    list(&description["tags"])
        .map(|tag| {
            let name = text(tag, "name");
            let of_tag = |operation: &Value| list(&operation["tags"]).any(|t| *t == *name);
            let operations = pairs(&description["paths"]).flat_map(|(path, methods)| {
                pairs(methods)
                    .filter(|(_, operation)| of_tag(operation))
                    .map(|(method, operation)| Operation::of(method, path, operation))
            });
            Group {
                about: text(tag, "description"),
                operations: operations.collect(),
                name,
            }
        })
        .collect()
}

impl Operation {
    fn of(method: &str, path: &str, operation: &Value) -> Self {
        let mut takes: Vec<Field> = list(&operation["parameters"])
            .map(|parameter| Field {
                name: text(parameter, "name"),
                kind: kind(&parameter["schema"]),
                is_required: parameter["required"] == true,
                about: text(parameter, "description"),
            })
            .collect();
        for (media, content) in pairs(&operation["requestBody"]["content"]) {
            takes.push(Field {
                name: "body".to_owned(),
                kind: kind(&content["schema"]),
                is_required: true,
                about: media.clone(),
            });
        }
        let answers = pairs(&operation["responses"])
            .filter(|(status, _)| *status != "default")
            .flat_map(|(status, answer)| {
                pairs(&answer["content"]).map(|(media, content)| Answer {
                    status: status.clone(),
                    kind: media.clone(),
                    about: text(answer, "description"),
                    shape: kind(&content["schema"]).shape,
                })
            })
            .collect();
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            more: operation["description"].as_str().map(str::to_owned),
            scope: operation["security"][0]["token"][0]
                .as_str()
                .map(str::to_owned),
            takes,
            answers,
        }
    }
}

fn shapes(description: &Value) -> Vec<Shape> {
    pairs(&description["components"]["schemas"])
        .map(|(name, schema)| Shape {
            name: name.clone(),
            about: schema["description"].as_str().map(str::to_owned),
            is: schema["properties"].is_null().then(|| kind(schema).words),
            fields: pairs(&schema["properties"])
                .map(|(field, of)| Field {
                    kind: kind(of),
                    is_required: list(&schema["required"]).any(|name| *name == **field),
                    about: text(of, "description"),
                    name: field.clone(),
                })
                .collect(),
        })
        .collect()
}

/// `list of Run`, `number or null`, `one of pass, fail`.
fn kind(schema: &Value) -> Kind {
    let plain = |words: String| Kind { words, shape: None };
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        return Kind {
            words: name.clone(),
            shape: Some(name),
        };
    }
    if let Some(of) = schema["oneOf"].as_array() {
        let some = of.iter().find(|one| one["type"] != "null");
        let some = some.map_or_else(|| plain(String::new()), kind);
        return Kind {
            words: format!("{} or null", some.words),
            ..some
        };
    }
    if schema["enum"].is_array() {
        let words: Vec<&str> = list(&schema["enum"]).filter_map(Value::as_str).collect();
        return plain(format!("one of {}", words.join(", ")));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_null = types.contains(&"null");
    let mut found = match types.first().copied() {
        Some("array") => {
            let of = kind(&schema["items"]);
            Kind {
                words: format!("list of {}", of.words),
                ..of
            }
        }
        Some("object") if schema["additionalProperties"].is_object() => {
            let of = kind(&schema["additionalProperties"]);
            Kind {
                words: format!("map of {}", of.words),
                ..of
            }
        }
        Some("string") if schema["format"] == "date-time" => plain("time".to_owned()),
        Some(word) => plain(word.to_owned()),
        None => plain("anything".to_owned()),
    };
    if is_null {
        found.words.push_str(" or null");
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, words: &str, shape: Option<&str>) {
        let found = kind(schema);
        assert_eq!(
            (found.words.as_str(), found.shape.as_deref()),
            (words, shape)
        );
    }

    #[test]
    fn types_read_as_words() {
        let run = json!({"$ref": "#/components/schemas/Run"});
        check(&run, "Run", Some("Run"));
        check(
            &json!({"type": "array", "items": run}),
            "list of Run",
            Some("Run"),
        );
        check(
            &json!({"oneOf": [run, {"type": "null"}]}),
            "Run or null",
            Some("Run"),
        );
        check(&json!({"type": ["number", "null"]}), "number or null", None);
        check(
            &json!({"type": "string", "enum": ["a", "b"]}),
            "one of a, b",
            None,
        );
        check(
            &json!({"type": "string", "format": "date-time"}),
            "time",
            None,
        );
        let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
        check(&map, "map of string", None);
    }

    #[test]
    fn every_operation_is_in_a_group_and_every_shape_is_there() {
        let of_groups: usize = groups(&DESCRIPTION)
            .iter()
            .map(|g| g.operations.len())
            .sum();
        let all: usize = pairs(&DESCRIPTION["paths"])
            .map(|(_, m)| pairs(m).count())
            .sum();
        assert_eq!(of_groups, all);
        let shapes = shapes(&DESCRIPTION);
        let fields = shapes.iter().flat_map(|shape| &shape.fields);
        for shape in fields.filter_map(|field| field.kind.shape.as_ref()) {
            assert!(shapes.iter().any(|known| known.name == *shape), "{shape}");
        }
    }
}
