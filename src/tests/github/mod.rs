//! What is said on GitHub, against a double that enforces its rules.

mod alert;
mod check;
mod comment;
pub(crate) mod double;
mod issue;
mod outbox;
mod pull;

use kvmark::config::Config;
use kvmark::domain::Millis;
use kvmark::github::Intent;
use kvmark::jobs::{
    self,
    github::{Clock, deliver_next, wish},
};

use crate::app::{NOW, TestApp};
use double::Double;

/// A server's store, and GitHub.
pub(crate) struct Post {
    pub(crate) app: TestApp,
    pub(crate) double: Double,
}

impl Post {
    pub(crate) async fn new() -> Self {
        Self {
            app: TestApp::new().await,
            double: Double::start().await,
        }
    }

    /// A server that says things on GitHub, at a public address.
    pub(crate) async fn of_server() -> Self {
        let double = Double::start().await;
        let mut app = TestApp::with(Config {
            public_url: Some("https://perf.example.org".to_owned()),
            ..Config::default()
        })
        .await;
        app.state.github = Some(double.client());
        app.router = kvmark::web::router(app.state.clone());
        Self { app, double }
    }

    /// What a server works its outbox off with.
    pub(crate) fn post(&self, clock: Clock) -> jobs::github::Post {
        jobs::github::Post {
            client: self.double.client(),
            store: self.app.store().clone(),
            jobs: self.app.state.jobs.clone(),
            clock,
            public_url: self.app.state.config.public_url.clone(),
        }
    }

    /// Wishes, and delivers all that is due.
    pub(crate) async fn say(&self, intent: &Intent) {
        wish(self.app.store(), intent, NOW).await.unwrap();
        self.deliver_at(NOW).await;
    }

    /// Delivers all that is due at a time.
    pub(crate) async fn deliver_at(&self, now: Millis) {
        let client = self.double.client();
        while deliver_next(&client, self.app.store(), now).await.unwrap() {}
    }

    /// Delivers all that is due an hour later.
    pub(crate) async fn deliver_later(&self) {
        self.deliver_at(Millis(NOW.0 + 3_600_000)).await;
    }

    /// State, attempts and last error of the only entry.
    pub(crate) async fn entry(&self) -> (String, i64, String) {
        let all = self.app.store().outbox("").await.unwrap();
        let [entry] = all.as_slice() else {
            panic!("{all:?}");
        };
        let error = entry.last_error.clone().unwrap_or_default();
        (entry.state.clone(), entry.attempts, error)
    }
}
