//! `/rules`: how strict the gate is with which series, and what other rules would have done.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use bench_report::metric::params_text;
use bench_verdict::gate::{FailOn, GateOptions};

use super::rows::SeriesView;
use super::{Place, Reader, Shell, html};
use crate::analysis::backtest::{MOST, Nights, Pattern, Patterns, effective};
use crate::domain::{RuleVersion, Scope};
use crate::text;
use crate::web::api::rules::{self, Answer, DAYS};
use crate::web::auth::Caller;
use crate::web::extract::Query;
use crate::web::{AppState, WebError};

/// Empty lines of the form, to add rules in.
const BLANK: usize = 3;

/// So many series a page: it stays below 300 kB.
const MOST_SERIES: usize = 500;

/// Versions that are listed.
const VERSIONS: u32 = 10;

/// What is typed into a line of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    benchmark: String,
    metric: String,
    params: String,
    environment: String,
    threshold: String,
    fail_on: String,
    min_effect: String,
    ignored: String,
    note: String,
}

/// What the form sends; on a first visit, what is in force.
#[derive(Debug, Clone, Default)]
struct Typed {
    lines: Vec<Line>,
    version: Option<i64>,
    days: Option<u32>,
    reason: String,
    shows_all: bool,
    /// Which page of the series, from 0.
    page: usize,
    /// The form was sent, and not just opened.
    is_trial: bool,
}

/// `GET /rules`: the rules in force, or others that are tried.
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    caller: Caller,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, WebError> {
    let typed = Typed::read(&pairs)?;
    let in_force = state.store.rules().await?;
    let tried = if typed.is_trial {
        typed.rules()?
    } else {
        in_force.rules.clone()
    };
    let days = typed.days.unwrap_or(DAYS);
    let answer = if typed.is_trial {
        Some(rules::run(&state, &tried, days).await?)
    } else {
        None
    };
    let versions = state.store.rule_versions(VERSIONS).await?;
    let series = rules::all_series(&state).await?;
    let mut lines: Vec<Line> = if typed.is_trial {
        typed.lines.clone()
    } else {
        tried.0.iter().map(Line::from).collect()
    };
    lines.extend(vec![Line::default(); BLANK]);
    lines.truncate(MOST);
    let listed = series_views(&tried, &series, typed.shows_all);
    let (first, named) = (typed.page.saturating_mul(MOST_SERIES), listed.len());
    let shown: Vec<EffectiveView> = listed.into_iter().skip(first).take(MOST_SERIES).collect();
    html(&RulesPage {
        shell: Shell::of(&state, reader, Place::Rules).await?,
        may_save: caller.require(Scope::Triage).is_ok(),
        version: typed.version.unwrap_or(in_force.version),
        is_trial: typed.is_trial,
        days,
        reason: typed.reason.clone(),
        lines: line_views(lines, answer.as_ref()),
        answer,
        usual: options_text(&GateOptions::default(), None, false),
        series_note: series_note(&typed, (first, shown.len()), named, series.len()),
        more: (first + shown.len() < named && !typed.is_trial).then(|| {
            let all = if typed.shows_all { "show=all&" } else { "" };
            format!("/rules?{all}page={}#series", typed.page + 2)
        }),
        series: shown,
        series_total: series.len(),
        shows_all: typed.shows_all,
        versions: versions.iter().map(VersionView::from).collect(),
    })
}

/// `POST /rules`: saves them.
pub async fn save(
    State(state): State<AppState>,
    caller: Caller,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let typed = Typed::read(&pairs)?;
    let version = typed.version.unwrap_or_default();
    rules::store(&state, &caller, version, &typed.rules()?, &typed.reason).await?;
    Ok(Redirect::to("/rules").into_response())
}

impl Typed {
    /// Reads `version`, `days`, `reason`, `show`, `page`, and `benchmark.0`, `benchmark.1` and so on.
    fn read(pairs: &[(String, String)]) -> Result<Self, WebError> {
        let mut typed = Self::default();
        let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
        let wrong = |key: &str, value: &str| {
            WebError::bad_request(format!("{key} is {value:?}: use the form of /rules"))
        };
        for (key, value) in pairs {
            let value = value.trim();
            match key.as_str() {
                "version" => {
                    typed.version = Some(value.parse().map_err(|_| wrong(key, value))?);
                    typed.is_trial = true;
                }
                "days" => typed.days = Some(value.parse().map_err(|_| wrong(key, value))?),
                "reason" => value.clone_into(&mut typed.reason),
                "show" => typed.shows_all = value == "all",
                "page" => {
                    let page: usize = value.parse().map_err(|_| wrong(key, value))?;
                    typed.page = page.saturating_sub(1);
                }
                _ => {
                    let field = key.split_once('.').and_then(|(field, at)| {
                        let at = at.parse::<usize>().ok().filter(|at| *at < MOST)?;
                        lines.entry(at).or_default().field(field)
                    });
                    let field = field.ok_or_else(|| wrong(key, value))?;
                    value.clone_into(field);
                }
            }
        }
        lines.retain(|_, line| *line != Line::default());
        typed.lines = lines.into_values().collect();
        Ok(typed)
    }

    fn rules(&self) -> Result<Patterns, WebError> {
        let rules = self.lines.iter().enumerate().map(|(at, line)| {
            line.pattern().map_err(|problem| {
                WebError::invalid("/rules", format!("rule {}: {problem}", at + 1))
            })
        });
        Ok(Patterns(rules.collect::<Result<_, WebError>>()?))
    }
}

impl Line {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "benchmark" => &mut self.benchmark,
            "metric" => &mut self.metric,
            "params" => &mut self.params,
            "environment" => &mut self.environment,
            "threshold" => &mut self.threshold,
            "fail_on" => &mut self.fail_on,
            "min_effect" => &mut self.min_effect,
            "ignored" => &mut self.ignored,
            "note" => &mut self.note,
            _ => return None,
        })
    }

    fn pattern(&self) -> Result<Pattern, String> {
        let glob = |text: &str| if text.is_empty() { "*" } else { text }.to_owned();
        let number = |text: &str, what: &str| -> Result<Option<f64>, String> {
            if text.is_empty() {
                return Ok(None);
            }
            let number = text
                .parse()
                .map_err(|_| format!("{what} is {text:?}: give a number"))?;
            Ok(Some(number))
        };
        let pair = |text: &str| {
            let (key, value) = text
                .split_once('=')
                .ok_or_else(|| format!("the param {text:?} has no =: give cpu=8"))?;
            Ok::<_, String>((key.to_owned(), value.to_owned()))
        };
        Ok(Pattern {
            benchmark: glob(&self.benchmark),
            metric: glob(&self.metric),
            params: self
                .params
                .split_whitespace()
                .map(pair)
                .collect::<Result<_, _>>()?,
            environment: glob(&self.environment),
            threshold: number(self.threshold.trim_end_matches('%'), "the threshold")?
                .map(|percent| percent / 100.0),
            fail_on: match self.fail_on.as_str() {
                "" => None,
                "info" => Some(FailOn::Info),
                "warning" => Some(FailOn::Warning),
                "critical" => Some(FailOn::Critical),
                other => {
                    return Err(format!(
                        "{other:?} is no band: give info, warning or critical"
                    ));
                }
            },
            min_effect: number(&self.min_effect, "the least effect")?,
            ignored: match self.ignored.as_str() {
                "" => None,
                "yes" => Some(true),
                "no" => Some(false),
                other => return Err(format!("ignored is {other:?}: give yes or no")),
            },
            note: self.note.clone(),
        })
    }
}

impl From<&Pattern> for Line {
    fn from(pattern: &Pattern) -> Self {
        let number = |number: Option<f64>| number.map_or_else(String::new, |n| n.to_string());
        Self {
            benchmark: pattern.benchmark.clone(),
            metric: pattern.metric.clone(),
            params: params_text(&pattern.params),
            environment: pattern.environment.clone(),
            // Without the dust of a division by 100.
            threshold: number(pattern.threshold.map(|t| (t * 1e10).round() / 1e8)),
            fail_on: pattern
                .fail_on
                .map_or_else(String::new, |band| band_word(band).to_owned()),
            min_effect: number(pattern.min_effect),
            ignored: match pattern.ignored {
                None => String::new(),
                Some(true) => "yes".to_owned(),
                Some(false) => "no".to_owned(),
            },
            note: pattern.note.clone(),
        }
    }
}

fn band_word(band: FailOn) -> &'static str {
    match band {
        FailOn::Info => "info",
        FailOn::Warning => "warning",
        FailOn::Critical => "critical",
    }
}

/// `above 10%, from warning on`.
fn options_text(options: &GateOptions, min_effect: Option<f64>, is_ignored: bool) -> String {
    if is_ignored {
        return "ignored".to_owned();
    }
    let percent = (options.threshold * 1e6).round() / 1e4;
    let mut text = format!("above {percent}%, from {} on", band_word(options.fail_on));
    if let Some(least) = min_effect {
        text += &format!(", by {least} at least");
    }
    text
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    may_save: bool,
    version: i64,
    is_trial: bool,
    days: u32,
    reason: String,
    lines: Vec<LineView>,
    answer: Option<Answer>,
    usual: String,
    series: Vec<EffectiveView>,
    /// Which of them these are.
    series_note: String,
    /// Where the next of them are.
    more: Option<String>,
    series_total: usize,
    shows_all: bool,
    versions: Vec<VersionView>,
}

struct LineView {
    at: usize,
    number: String,
    line: Line,
    /// What it would have done; empty where nothing was tried, or in a blank line.
    told: String,
}

struct EffectiveView {
    series: SeriesView,
    environment: String,
    text: String,
    by: String,
}

struct VersionView {
    version: i64,
    when: String,
    who: String,
    reason: String,
    count: usize,
}

fn line_views(lines: Vec<Line>, answer: Option<&Answer>) -> Vec<LineView> {
    let one = |(at, line): (usize, Line)| {
        let rule = answer.and_then(|answer| answer.tried.rules.get(at));
        let told = rule.map_or_else(String::new, |rule| {
            let tally = rule.tally;
            format!(
                "names {} series, decides {}; would have raised {}, {} of them dismissed, {} of one night; silences {}",
                rule.names, rule.decides, tally.raised, tally.dismissed, tally.one_night, tally.silenced
            )
        });
        let is_blank = line == Line::default();
        LineView {
            at,
            number: if is_blank {
                String::new()
            } else {
                (at + 1).to_string()
            },
            line,
            told,
        }
    };
    lines.into_iter().enumerate().map(one).collect()
}

/// Which of the series are listed.
fn series_note(typed: &Typed, (first, shown): (usize, usize), named: usize, all: usize) -> String {
    let part = match shown < named {
        true => format!("{} to {} of ", first + 1, first + shown),
        false => String::new(),
    };
    match typed.shows_all {
        true if part.is_empty() => format!("all {all}"),
        true => format!("{part}{all}"),
        false => format!("{part}{named} of {all} are named by a rule"),
    }
}

/// What holds for each series; where not all are shown, for those that a rule names.
fn series_views(rules: &Patterns, all: &[Nights], shows_all: bool) -> Vec<EffectiveView> {
    let options = GateOptions::default();
    all.iter()
        .filter_map(|nights| {
            let own = effective(rules, nights, &options);
            if own.by.is_empty() && !shows_all {
                return None;
            }
            let by: Vec<String> = own.by.iter().map(|at| (at + 1).to_string()).collect();
            Some(EffectiveView {
                series: SeriesView::new(&nights.series),
                environment: nights.environment.clone(),
                text: options_text(&own.options, own.min_effect, own.is_ignored),
                by: by.join(", "),
            })
        })
        .collect()
}

impl From<&RuleVersion> for VersionView {
    fn from(version: &RuleVersion) -> Self {
        Self {
            version: version.version,
            when: version.at.map_or_else(String::new, text::day_year),
            who: version.who.clone(),
            reason: version.reason.clone(),
            count: version.rules.0.len(),
        }
    }
}
