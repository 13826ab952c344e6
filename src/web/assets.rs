//! Static files: part of the program, addressed by checksum, so that browsers may keep them for
//! ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// A file as it was when the program was built.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "style.css",
        media_type: "text/css; charset=utf-8",
        body: include_bytes!("../../static/style.css"),
    },
    Asset {
        name: "kvmark.js",
        media_type: "text/javascript; charset=utf-8",
        body: include_bytes!("../../static/kvmark.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        body: include_bytes!("../../static/icon.svg"),
    },
];

/// The checksums, in the order of [`ASSETS`].
static CHECKSUMS: LazyLock<[String; ASSETS.len()]> = LazyLock::new(|| {
    ASSETS.each_ref().map(|asset| {
        let digest = Sha256::digest(asset.body);
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
});

/// The URLs of the files that every page names.
#[derive(Debug, Clone)]
pub struct AssetUrls {
    /// The style sheet.
    pub style: String,
    /// The script.
    pub script: String,
    /// The icon.
    pub icon: String,
}

impl AssetUrls {
    /// The URLs of this build.
    pub fn get() -> &'static Self {
        static URLS: LazyLock<AssetUrls> = LazyLock::new(|| {
            let url = |i: usize| format!("/static/{}/{}", CHECKSUMS[i], ASSETS[i].name);
            AssetUrls {
                style: url(0),
                script: url(1),
                icon: url(2),
            }
        });
        &URLS
    }
}

/// `GET /static/{checksum}/{name}`. Another build's checksum is not found, rather than answered with
/// what the page that asks does not expect.
pub async fn serve(Path((checksum, name)): Path<(String, String)>) -> Response {
    let found = ASSETS
        .iter()
        .zip(CHECKSUMS.iter())
        .find(|(asset, sum)| asset.name == name && **sum == checksum);
    let Some((asset, _)) = found else {
        return (StatusCode::NOT_FOUND, "no such file in this version\n").into_response();
    };
    let headers: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_kept_for_ever_under_its_checksum() {
        let url = &AssetUrls::get().style;
        let parts: Vec<&str> = url.split('/').collect();
        let found = serve(Path((parts[2].to_owned(), parts[3].to_owned()))).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert!(
            found.headers()[header::CACHE_CONTROL]
                .to_str()
                .is_ok_and(|v| v.contains("immutable"))
        );
        assert_eq!(
            found.headers()[header::CONTENT_TYPE],
            "text/css; charset=utf-8"
        );
    }

    #[tokio::test]
    async fn another_builds_checksum_is_not_found() {
        let found = serve(Path((
            "0000000000000000".to_owned(),
            "style.css".to_owned(),
        )))
        .await;
        assert_eq!(found.status(), StatusCode::NOT_FOUND);
    }
}
