//! Making, listing and revoking tokens.

use anyhow::{Result, bail};

use super::open;
use crate::config::{Config, TokenCommand};
use crate::domain::{Millis, TokenId};
use crate::web::auth::Secret;

/// Makes, lists or revokes tokens.
pub async fn run(config: &Config, command: TokenCommand) -> Result<()> {
    let store = open(config).await?;
    let now = Millis::from(jiff::Timestamp::now());
    match command {
        TokenCommand::Create { scope, kinds, note } => {
            let secret = Secret::random()?;
            let id = store
                .create_token(
                    &secret.hash(),
                    scope,
                    kinds.as_deref(),
                    note.as_deref(),
                    now,
                )
                .await?;
            eprintln!("token {id}, scope {scope}; it is shown this once:");
            println!("{}", secret.reveal());
        }
        TokenCommand::List => {
            for token in store.list_tokens().await? {
                let kinds = match &token.kinds {
                    Some(kinds) => {
                        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                        words.join(",")
                    }
                    None => "all kinds".to_owned(),
                };
                let state = match token.revoked_at {
                    Some(at) => format!("revoked {}", at.timestamp()),
                    None => "valid".to_owned(),
                };
                println!(
                    "{}\t{}\t{kinds}\t{}\t{state}\t{}",
                    token.id,
                    token.scope,
                    token.created_at.timestamp(),
                    token.note.as_deref().unwrap_or("")
                );
            }
        }
        TokenCommand::Revoke { id } => {
            if !store.revoke_token(TokenId(id), now).await? {
                bail!("there is no valid token {id}: `kvmark token list` shows them");
            }
        }
    }
    store.close().await;
    Ok(())
}
