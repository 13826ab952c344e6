//! One page as one file: its style inside, no script, nothing to fetch.

use std::collections::BTreeMap;

use super::html::offline;
use crate::web::inside::Inside;

/// What a file cannot do is not drawn in it.
const WITHOUT_A_SERVER: &str = ".acts,.facets,.tabs,.top nav,.pick{display:none!important}";

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

/// The page at `url` as a file that opens by itself. `label` says what it is.
pub async fn single(inside: &Inside, url: &str, label: &str) -> Result<String, SingleError> {
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
