use super::Page;
use crate::app::TestApp;

#[tokio::test]
async fn help_names_the_numbers_that_judge() {
    let app = TestApp::new().await;
    Page::get(&app, "/help")
        .await
        .says("critical Worse by more than 20%.")
        .says("warning Worse by 10% to 20%.")
        .says("info Worse by 5% or more, but less than 10%.")
        .says("in the 7 days before the run")
        .says("Fewer than 3 runs in the baseline")
        .says("at most 2 ms, throughput at least 8,000 events a second, at most 0.5% errors")
        .says("More than 0.1% of the events.");
    let page = Page::get(&app, "/help").await;
    for symptom in ["lock-wait", "allocations", "hash-time", "network", "keys"] {
        assert_eq!(page.count(&format!("id=\"{symptom}\"")), 1, "{symptom}");
    }
}

#[tokio::test]
async fn every_page_leads_to_help() {
    let app = TestApp::new().await;
    let page = Page::get(&app, "/").await;
    assert!(page.count("href=\"/help\"") >= 2);
}
