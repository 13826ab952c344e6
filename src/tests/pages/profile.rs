use axum::http::StatusCode;
use kvmark::domain::{NewArtifact, NewRun};

use super::{Page, store};
use crate::app::TestApp;
use crate::builders::nightly;

const STACKS: &str = "KVEvent cpu=1;kv_indexer::apply;kv_indexer::decode 300\n\
                      KVEvent cpu=1;kv_indexer::apply;kv_indexer::hash 600\n\
                      KVEvent cpu=1;std::thread::sleep 100\n";

fn file(name: &str, kind: &str, data: &str) -> NewArtifact {
    NewArtifact {
        name: name.to_owned(),
        kind: kind.to_owned(),
        benchmark: None,
        data: data.as_bytes().to_vec(),
    }
}

fn run(ago: i64, files: Vec<NewArtifact>) -> NewRun {
    NewRun {
        artifacts: files,
        ..nightly(&format!("night {ago}"), ago)
    }
}

#[tokio::test]
async fn a_profile_is_drawn_and_tabled_and_linked_from_its_run() {
    let app = TestApp::new().await;
    let trace = file("trace", "trace", "{}");
    store(
        &app,
        &run(1, vec![file("cpu", "cpu-stacks", STACKS), trace]),
    )
    .await;
    let page = Page::get(&app, "/runs/1").await;
    page.says("Processor time all")
        .says("Trace, for ui.perfetto.dev");
    assert!(page.html().contains("href=\"/runs/1/profile/0\""));

    let page = Page::get(&app, "/runs/1/profile/0").await;
    page.says("Processor time of run 1")
        .says("1,000 ns in all")
        .says("60.0% 600.0 ns 60.0% 600.0 ns kv_indexer::hash")
        .says("30.0% 300.0 ns 30.0% 300.0 ns kv_indexer::decode");
    assert!(
        page.html()
            .contains("<g class=\"fi\"><title>kv_indexer::hash · ")
    );
    assert!(!page.html().contains("<script>"));
}

#[tokio::test]
async fn a_frame_is_a_link_that_opens_it() {
    let app = TestApp::new().await;
    store(&app, &run(1, vec![file("cpu", "cpu-stacks", STACKS)])).await;
    let page = Page::get(&app, "/runs/1/profile/0").await;
    let (_, after) = page.html().split_once("frame=").expect("frames are links");
    let links: Vec<&str> = page
        .html()
        .split("href=\"")
        .filter(|part| part.starts_with("/runs/1/profile/0?frame="))
        .filter(|part| part.contains("<title>kv_indexer::apply"))
        .filter_map(|part| part.split_once('"').map(|parts| parts.0))
        .collect();
    assert!(!links.is_empty(), "{after}");
    let page = Page::get(&app, links[0]).await;
    page.says("kv_indexer::apply by whose code it is")
        .says("All frames");
    assert!(!page.html().contains("<title>std::thread::sleep"));
    assert!(page.html().contains("<g class=\"fa\"><title>KVEvent cpu=1"));
}

#[tokio::test]
async fn two_runs_profiles_are_compared_by_their_parts() {
    let app = TestApp::new().await;
    // Twice as long, and hashing has become dearer.
    let before = "KVEvent cpu=1;kv_indexer::apply;kv_indexer::decode 1200\n\
                  KVEvent cpu=1;kv_indexer::apply;kv_indexer::hash 800\n";
    store(&app, &run(2, vec![file("cpu", "cpu-stacks", before)])).await;
    store(&app, &run(1, vec![file("cpu", "cpu-stacks", STACKS)])).await;
    let page = Page::get(&app, "/runs/2/profile/0").await;
    page.says("Against another run");
    assert!(page.html().contains("href=\"/runs/2/profile/0?against=1\""));
    let page = Page::get(&app, "/runs/2/profile/0?against=1").await;
    page.says("Processor time, run 2 against run 1")
        .says("−30.0 30.0% 60.0% kv_indexer::decode")
        .says("+20.0 60.0% 40.0% kv_indexer::hash");
    assert!(
        page.html()
            .contains("<g class=\"g3\"><title>kv_indexer::hash")
    );
    assert!(
        page.html().contains("?against=1&amp;frame=")
            || page.html().contains("?against=1&#38;frame=")
    );
    Page::with_status(&app, "/runs/2/profile/0?against=9", StatusCode::NOT_FOUND)
        .await
        .says("there is no run 9");
}

#[tokio::test]
async fn what_is_no_profile_is_told_apart_from_what_is_not_there() {
    let app = TestApp::new().await;
    let bad = file("lock", "lock-stacks", "a;b twelve");
    let hostile = file(
        "heap",
        "heap-stacks",
        "<img src=x onerror=alert(1)>;\"><script>alert(2)</script> 5",
    );
    store(
        &app,
        &run(1, vec![file("trace", "trace", "{}"), bad, hostile]),
    )
    .await;
    Page::with_status(&app, "/runs/1/profile/0", StatusCode::NOT_FOUND)
        .await
        .says("it is a trace, to be had at /runs/1/artifacts/0");
    Page::with_status(&app, "/runs/1/profile/1", StatusCode::BAD_REQUEST)
        .await
        .says("line 1 ends in \"twelve\"");
    let page = Page::get(&app, "/runs/1/profile/2").await;
    assert!(!page.html().contains("<img src=x") && !page.html().contains("<script>alert"));
    Page::with_status(&app, "/runs/1/profile/7", StatusCode::NOT_FOUND)
        .await
        .says("there is no file 7 of run 1");
    Page::with_status(&app, "/runs/8/profile/0", StatusCode::NOT_FOUND).await;
}
