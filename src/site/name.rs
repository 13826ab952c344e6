//! The names of an export's files: a slug that people can read, and a hash that tells URLs apart.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Letters of a slug.
const LONGEST: usize = 48;

/// The name of the file of a URL. Whatever the URL holds, the name has small letters, digits and
/// dashes only, and the ending of its media type.
pub fn of(url: &str, media_type: &str) -> String {
    if url == "/" {
        return "index.html".to_owned();
    }
    let ending = match media_type {
        "text/html" => "html",
        "text/css" => "css",
        "text/javascript" => "js",
        "image/svg+xml" => "svg",
        "image/png" => "png",
        "application/json" => "json",
        "text/csv" => "csv",
        _ => "txt",
    };
    let mut slug = String::new();
    let decoded = percent_encoding::percent_decode_str(url).decode_utf8_lossy();
    for letter in decoded.chars() {
        if slug.len() >= LONGEST {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let mut hash = String::with_capacity(12);
    for byte in &Sha256::digest(url.as_bytes())[..6] {
        let _ = write!(hash, "{byte:02x}");
    }
    format!("{}-{hash}.{ending}", slug.trim_end_matches('-'))
}

/// Whether a name can be one that [`of`] made: no path, nothing hidden.
pub fn is_ours(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    is_plain(stem) && is_plain(ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_slugs_with_a_hash() {
        assert_eq!(of("/", "text/html"), "index.html");
        let name = of(
            "/benchmarks/..%2F..%2Fetc%2Fpasswd?metric=%3Cscript%3E",
            "text/html",
        );
        assert!(
            name.starts_with("benchmarks-etc-passwd-metric-script-"),
            "{name}"
        );
        assert!(name.ends_with(".html"));
        assert_ne!(of("/a?b", "text/html"), of("/a/b", "text/html"));
    }

    proptest! {
        #[test]
        fn any_url_becomes_a_plain_name(url in "\\PC{0,80}", type_ in "\\PC{0,20}") {
            let name = of(&url, &type_);
            prop_assert!(is_ours(&name), "{name}");
            prop_assert!(name.len() < 80);
        }
    }

    #[test]
    fn paths_and_hidden_files_are_not_ours() {
        for bad in [
            "../a.html",
            "/etc/passwd",
            ".bashrc",
            "a/b.html",
            "a",
            ".html",
            "A.html",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
