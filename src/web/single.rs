//! One page as one file: its style inside, no script, nothing to fetch.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AppState;
use super::guard::Turns;
use super::inside::Inside;
use super::offline::offline;
use super::pages::links;
use crate::config::Config;
use crate::domain::RunId;
use crate::text;

/// What a file cannot do is not drawn in it.
const WITHOUT_A_SERVER: &str =
    ".acts,.facets,details:has(>.facets),.tabs,.top nav,.pick{display:none!important}";

/// Why a page did not become a file.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// The server has no such page, and says why.
    #[error("{url} answers {status}: {detail}")]
    Refused {
        /// The page.
        url: String,
        /// Its status.
        status: u16,
        /// Its heading and what stands beneath.
        detail: String,
    },
    /// The page is not text.
    #[error("{url} is no page of text")]
    NoText {
        /// The page.
        url: String,
    },
}

/// The pages as whoever is given a file reads them, and what each says about itself. `links`: which of
/// their links need the server, as the end of a sentence.
pub fn exported(state: &AppState, links: &str) -> (Inside, String) {
    let config = Config {
        // Whoever may read the store may read its pages; and nobody uploads to a file.
        read_token: false,
        open_uploads: false,
        ..Config::clone(&state.config)
    };
    let now = state.now();
    let label = format!(
        "Exported {} {} UTC by kvmark {}. Nothing here is newer, and {links}.",
        text::day_year(now),
        text::clock(now),
        env!("CARGO_PKG_VERSION")
    );
    let state = AppState {
        config: Arc::new(config),
        // What it asks for is part of a request that has its turn.
        turns: Turns::default(),
        ..state.clone()
    };
    (Inside::new(state), label)
}

/// A run, or its comparison with `against` (a run's number, a commit or a branch), as one file that
/// opens by itself, from the pages that [`exported`] gives.
pub async fn page(
    inside: &Inside,
    label: &str,
    run: RunId,
    against: Option<&str>,
) -> Result<String, SingleError> {
    let url = match against {
        Some(base) => format!(
            "{}?show=all&page=all",
            links::compare(base, &run.to_string())
        ),
        None => format!("{}?show=whole", links::run(run)),
    };
    single(inside, &url, label).await
}

/// The page at `url` as a file that opens by itself. `label` says what it is.
async fn single(inside: &Inside, url: &str, label: &str) -> Result<String, SingleError> {
    let page = text(inside, url).await?;
    let style = match stylesheet(&page) {
        Some(sheet) => text(inside, &sheet).await?,
        None => String::new(),
    };
    let offline = offline(&page, url, label, &BTreeMap::new(), &BTreeMap::new()).html;
    // A style sheet of ours holds no markup that could end its element.
    let style = format!("<style>{style}{WITHOUT_A_SERVER}</style></head>");
    Ok(offline.replacen("</head>", &style, 1))
}

async fn text(inside: &Inside, url: &str) -> Result<String, SingleError> {
    let answer = inside.get(url).await;
    let body = String::from_utf8(answer.body).map_err(|_| SingleError::NoText {
        url: url.to_owned(),
    })?;
    if answer.status != 200 {
        return Err(SingleError::Refused {
            url: url.to_owned(),
            status: answer.status,
            detail: words(&body),
        });
    }
    Ok(body)
}

/// The address of the page's style sheet.
fn stylesheet(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<link rel=\"stylesheet\" href=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

/// What people read in the page's main part, on one line.
fn words(page: &str) -> String {
    let main = page.split_once("<main").map_or(page, |(_, main)| main);
    let mut out = String::new();
    for part in main.split('<').skip(1) {
        let text = part.split_once('>').map_or("", |(_, text)| text).trim();
        if !text.is_empty() && !out.contains(text) {
            if !out.is_empty() {
                out.push_str(": ");
            }
            out.push_str(text);
        }
        if out.len() > 300 || part.starts_with("/main") {
            break;
        }
    }
    out
}
