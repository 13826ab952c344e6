//! The pages as a folder of files.

use std::collections::BTreeSet;
use std::path::Path;

use kvmark::site::{Options, SiteError, export};
use kvmark::web::inside::Inside;

use crate::app::TestApp;
use crate::builders::{latency, nightly, with};
use crate::pages::store;

const LABEL: &str = "Exported 1 Mar 2026";

/// Five nights of names that try to leave a folder, a page or a tag.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    for ago in (0..5).rev() {
        let names = [
            "KVEventConcurrency",
            "../../etc/passwd",
            "<script>alert(1)</script>",
            "a\"onload=\"alert(1)",
            "CON",
            "names/with/slashes and blanks & more",
        ];
        let series = names.map(|name| latency(name, if ago == 0 { 1_300.0 } else { 1_000.0 }));
        store(&app, &with(nightly(&format!("night {ago}"), ago), series)).await;
    }
    app
}

async fn exported(app: &TestApp, folder: &Path) -> Result<kvmark::site::Written, SiteError> {
    let inside = Inside::new(app.state.clone());
    export(&inside, folder, LABEL, Options::default()).await
}

/// Every file's name and text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            assert!(entry.file_type().unwrap().is_file(), "{entry:?} is a file");
            let body = std::fs::read(entry.path()).unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, String::from_utf8_lossy(&body).into_owned())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_link_of_an_export_leads_to_a_file_of_it() {
    let app = app().await;
    let folder = tempfile::tempdir().unwrap();
    let written = exported(&app, &folder.path().join("site")).await.unwrap();
    assert!(written.pages >= 15, "{written:?}");
    let files = files(&folder.path().join("site"));
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut links = 0;
    for (name, page) in files.iter().filter(|(name, _)| name.ends_with(".html")) {
        assert!(page.contains(LABEL), "{name} says what it is");
        assert!(!page.contains("<form"), "{name} asks no server");
        assert!(!page.contains("data-points"), "{name} asks no server");
        for attribute in [" href=\"", " src=\"", " action=\""] {
            for (at, _) in page.match_indices(attribute) {
                let value = page[at + attribute.len()..].split('"').next().unwrap();
                let file = value.split('#').next().unwrap();
                links += 1;
                assert!(
                    value.starts_with('#') || names.contains(file),
                    "{name} links to {value}"
                );
            }
        }
    }
    assert!(links > 200, "{links}");
}

#[tokio::test]
async fn no_name_from_outside_becomes_the_name_of_a_file() {
    let app = app().await;
    let folder = tempfile::tempdir().unwrap();
    exported(&app, &folder.path().join("site")).await.unwrap();
    for (name, page) in files(&folder.path().join("site")) {
        assert!(kvmark::site::name::is_ours(&name), "{name}");
        let is_read_by_browsers = name.ends_with(".html") || name.ends_with(".svg");
        assert!(
            !is_read_by_browsers || !page.contains("<script>alert"),
            "{name}"
        );
    }
    let outside: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
}

#[tokio::test]
async fn an_export_replaces_an_earlier_one_and_nothing_else() {
    let app = app().await;
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let first = exported(&app, &site).await.unwrap();
    // A list that names what lies outside is not believed.
    let treasure = folder.path().join("treasure.txt");
    std::fs::write(&treasure, "mine").unwrap();
    let list = site.join("kvmark-export.txt");
    let more = std::fs::read_to_string(&list).unwrap() + "\n../treasure.txt\n";
    std::fs::write(&list, more).unwrap();
    assert_eq!(exported(&app, &site).await.unwrap(), first);
    assert!(treasure.exists());

    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "mine").unwrap();
    let refused = exported(&app, &other).await.unwrap_err().to_string();
    assert!(
        refused.contains("is not empty and no earlier export"),
        "{refused}"
    );
    assert!(other.join("thesis.tex").exists());
}

#[tokio::test]
async fn an_empty_store_is_exported_as_it_is_served() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    exported(&app, folder.path()).await.unwrap();
    let index = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(index.contains(LABEL));
}
