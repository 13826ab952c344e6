//! How what is ours is found again: a line in the body that people do not see.
//!
//! A marker holds nothing of what strangers name: what it is about is a number, a hash or a word of
//! ours. And it counts only in what somebody with rights in the repository (or a bot) wrote, so
//! that a stranger who copies it gets no word of ours put into his issue.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::Millis;

/// What begins every marker.
const BEGIN: &str = "<!-- kvmark:";

/// The marker of an issue: what it is about; up to when its first body told everything; and which
/// notes there were when it was edited last.
pub fn issue(fingerprint: &str, told_until: Millis, notes: &str) -> String {
    let fingerprint = short(fingerprint);
    let (until, notes) = (told_until.0, short(notes));
    format!("{BEGIN}issue {fingerprint} until={until} notes={notes} -->")
}

/// The marker of a note beneath an issue.
pub fn note(fingerprint: &str, id: &str) -> String {
    format!("{BEGIN}note {} {} -->", short(fingerprint), short(id))
}

/// The marker of a pull request's comment.
pub fn comment() -> String {
    format!("{BEGIN}pull -->")
}

/// Whether a body is that of the issue of `fingerprint`.
pub fn is_issue(body: &str, fingerprint: &str) -> bool {
    body.contains(&format!("{BEGIN}issue {} ", short(fingerprint)))
}

/// Up to when the first body of an issue told everything; none where the marker is gone.
pub fn told_until(body: &str, fingerprint: &str) -> Option<Millis> {
    let begin = format!("{BEGIN}issue {} until=", short(fingerprint));
    let (_, rest) = body.split_once(&begin)?;
    rest.split(' ').next()?.parse().ok().map(Millis)
}

/// A text of any length and letters as 16 hex digits.
pub fn short(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether an issue or a comment was written by somebody who may write in the repository.
pub fn is_trusted(item: &Value) -> bool {
    let association = item.get("author_association").and_then(Value::as_str);
    let is_member = association.is_some_and(|of| ["OWNER", "MEMBER", "COLLABORATOR"].contains(&of));
    let is_bot = item.pointer("/user/type").and_then(Value::as_str) == Some("Bot");
    is_member || is_bot
}

/// A text cut to what GitHub takes, at the end of a line, and said to be cut.
pub fn cut(text: &str, most: usize) -> String {
    const END: &str = "\n\n… cut: GitHub takes no more.";
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(END.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let whole = text[..end].rfind('\n').unwrap_or(end);
    format!("{}{END}", &text[..whole])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_marker_is_found_again_with_what_was_told() {
        let cause = "p99 --> <script>";
        let body = format!("{}\nslow", issue(cause, Millis(7), "grew"));
        assert!(is_issue(&body, cause) && !is_issue(&body, "other"));
        assert_eq!(told_until(&body, cause), Some(Millis(7)));
        assert_eq!(told_until("slow", cause), None);
        assert_eq!(body.matches("-->").count(), 1);
        assert!(!body.contains("script"));
    }

    #[test]
    fn strangers_cannot_lend_us_their_issues() {
        let by = |association: &str, kind: &str| {
            is_trusted(&json!({"author_association": association, "user": {"type": kind}}))
        };
        assert!(by("OWNER", "User") && by("COLLABORATOR", "User") && by("NONE", "Bot"));
        assert!(!by("NONE", "User") && !by("CONTRIBUTOR", "User"));
        assert!(!is_trusted(&json!({})));
    }

    #[test]
    fn a_long_text_is_cut_at_a_line() {
        assert_eq!(cut("short", 100), "short");
        let long = "ä line\n".repeat(100);
        let short = cut(&long, 200);
        assert!(
            short.len() <= 200 && short.contains("ä line\n\n… cut"),
            "{short}"
        );
    }
}
