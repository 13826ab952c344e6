//! `GET /export.csv`: measurements for spreadsheets, one a row. `GET /export.json`: the same by
//! column, series by series.

use std::fmt::Write;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bench_report::metric::params_text;
use futures::stream;
use serde::Serialize;

use super::series::{Points, columns, filter};
use crate::domain::{Millis, Point, Series};
use crate::web::extract::{Instant, Query, series_ids};
use crate::web::pages::verdict::evidence_word;
use crate::web::{AppState, WebError};

const HEADER: &str = "series_id,suite,benchmark,params,metric,unit,better,environment_id,run_id,\
     started_at,commit,suite_version,value,samples,baseline,change,band,evidence\r\n";

/// The filters of `GET /api/v1/series`, or `series=3,4,5`; and `from=`, `to=`, `branch=`. Series by
/// series, each in the order of time; written while it is read.
pub async fn csv(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let Wanted {
        series,
        from,
        to,
        branch,
    } = Wanted::read(&state, pairs).await?;
    let rows = stream::unfold(
        (state, series.into_iter(), branch),
        move |(state, mut series, branch)| async move {
            let next = series.next()?;
            let points = state
                .store
                .points(next.id, from, to, branch.as_deref())
                .await;
            // An error ends the body before its time, which a client sees.
            let text = points.map(|points| Bytes::from(text(&next, &points)));
            Some((text, (state, series, branch)))
        },
    );
    let head = stream::once(async { Ok(Bytes::from_static(HEADER.as_bytes())) });
    let mut response = Body::from_stream(futures::StreamExt::chain(head, rows)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"kvmark.csv\""),
    );
    Ok(response)
}

/// So many series an answer in JSON, which is made whole before it is sent.
const MOST_SERIES: usize = 100;

/// Series with their points by column.
#[derive(Debug, Serialize)]
pub struct Export {
    /// As `GET /api/v1/series/{id}/points` answers for each.
    pub series: Vec<Points>,
}

/// Takes what `GET /export.csv` takes.
pub async fn json(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Export>, WebError> {
    let wanted = Wanted::read(&state, pairs).await?;
    if wanted.series.len() > MOST_SERIES {
        return Err(WebError::bad_request(format!(
            "{} series are too many for one answer in JSON: narrow them to {MOST_SERIES}, or ask for /export.csv",
            wanted.series.len()
        )));
    }
    let mut series = Vec::with_capacity(wanted.series.len());
    for one in &wanted.series {
        let branch = wanted.branch.as_deref();
        let points = state
            .store
            .points(one.id, wanted.from, wanted.to, branch)
            .await?;
        series.push(columns(one, &points, None));
    }
    Ok(Json(Export { series }))
}

/// Which measurements.
struct Wanted {
    series: Vec<Arc<Series>>,
    from: Millis,
    to: Millis,
    branch: Option<String>,
}

impl Wanted {
    async fn read(state: &AppState, pairs: Vec<(String, String)>) -> Result<Self, WebError> {
        let (mut from, mut to, mut branch) = (Millis(i64::MIN), Millis(i64::MAX), None);
        let (mut rest, mut ids) = (Vec::new(), None);
        for (key, value) in pairs {
            let instant = |text: &str| text.parse::<Instant>().map_err(WebError::bad_request);
            match key.as_str() {
                "from" => from = instant(&value)?.0,
                "to" => to = instant(&value)?.0,
                "branch" => branch = Some(value),
                "series" => ids = Some(value),
                _ => rest.push((key, value)),
            }
        }
        let mut series = state.store.series_of(&filter(rest)?).await?;
        if let Some(ids) = ids {
            let ids = series_ids(&ids)?;
            series.retain(|s| ids.contains(&s.id));
        }
        Ok(Self {
            series,
            from,
            to,
            branch,
        })
    }
}

fn text(series: &Series, points: &[Point]) -> String {
    let key = &series.key;
    let direction = match series.better {
        bench_report::metric::Direction::Lower => "lower",
        bench_report::metric::Direction::Higher => "higher",
    };
    let start = [
        series.id.to_string(),
        quoted(&key.suite),
        quoted(&key.benchmark),
        quoted(&params_text(&key.params)),
        quoted(&key.metric),
        quoted(&key.unit),
        direction.to_owned(),
        key.environment.to_string(),
    ]
    .join(",");
    let mut out = String::with_capacity(points.len() * (start.len() + 120));
    for point in points {
        let judgement = &point.judgement;
        let number = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
        // Writing into a string does not fail.
        let _ = write!(
            out,
            "{start},{},{},{},{},{},{},{},{},{},{}\r\n",
            point.run,
            point.time.timestamp(),
            quoted(&point.of.commit),
            quoted(&point.of.suite_version),
            point.value,
            point.sample_count,
            number(judgement.baseline),
            number(judgement.change),
            judgement.band.word(),
            evidence_word(judgement.evidence),
        );
    }
    out
}

/// A field of RFC 4180, quoted where it must be. What a spreadsheet would take for a formula gets a
/// quote mark before it, so that a name from outside is never run.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if is_formula { "'" } else { "" };
    if is_formula || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{mark}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn fields_are_quoted_and_never_formulas() {
        for (text, field) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-1", "\"'-1\""),
            ("", ""),
        ] {
            assert_eq!(quoted(text), field);
        }
    }
}
