//! Pages of the server as pages of a folder. The HTML is our own: every attribute stands in double
//! quotes, and every `<`, `>` and `"` of a text is written as a reference.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A page that opens without a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offline {
    /// The page.
    pub html: String,
    /// How many of its links lead to what is not there.
    pub dropped: usize,
}

/// The attributes that hold a URL.
const LINKS: [&str; 2] = ["href", "src"];
/// What the script would ask a server for.
const ASKED: &str = "data-points";
/// What asks a server for another page.
const SERVER_ONLY: [&str; 2] = ["data-zoom", "data-live"];

/// The URLs that a page links to, without their fragments, each once and in their order.
pub fn links(page: &str, base: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in tags(page) {
        for (name, value) in attributes(tag) {
            if LINKS.contains(&name)
                && let Some((url, _)) = resolved(&unescaped(value), base)
                && !found.contains(&url)
            {
                found.push(url);
            }
        }
    }
    found
}

/// The URLs that the page's script would ask for.
pub fn asked_by_script(page: &str, base: &str) -> Vec<String> {
    tags(page)
        .flat_map(attributes)
        .filter(|(name, _)| *name == ASKED)
        .filter_map(|(_, value)| Some(resolved(&unescaped(value), base)?.0))
        .collect()
}

/// The page with its links to files beside it, what its script would ask for inside it, without its
/// forms, and with a line that says what it is. A link to what is not there keeps its text only.
pub fn offline(
    page: &str,
    base: &str,
    label: &str,
    names: &BTreeMap<&str, &str>,
    inlined: &BTreeMap<String, String>,
) -> Offline {
    let mut out = String::with_capacity(page.len() + 1024);
    let mut dropped = 0;
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        // A form asks a server.
        if rest.starts_with("<form")
            && let Some(end) = rest.find("</form>")
        {
            rest = &rest[end + "</form>".len()..];
            continue;
        }
        // What a script element holds is no markup.
        if rest.starts_with("<script type")
            && let Some(end) = rest.find("</script>")
        {
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        let end = rest.find('>').map_or(rest.len(), |at| at + 1);
        let tag = &rest[..end];
        if tag.starts_with("<main") {
            let _ = write!(
                out,
                "<aside class=\"notice\" aria-label=\"Export\"><p class=\"page\">{}</p></aside>",
                escaped(label)
            );
        }
        rest = &rest[end..];
        dropped += rewrite(tag, base, names, inlined, &mut out);
    }
    out.push_str(rest);
    Offline { html: out, dropped }
}

/// Writes one tag; how many of its links were dropped.
fn rewrite(
    tag: &str,
    base: &str,
    names: &BTreeMap<&str, &str>,
    inlined: &BTreeMap<String, String>,
    out: &mut String,
) -> usize {
    let mut dropped = 0;
    let mut tail = String::new();
    let mut written = String::with_capacity(tag.len());
    let mut copied = 0;
    for (name, value) in attributes(tag) {
        let at = value.as_ptr() as usize - tag.as_ptr() as usize;
        // From the blank before the name to the quote after the value.
        let whole = at - name.len() - 3..at + value.len() + 1;
        let replacement = if LINKS.contains(&name) {
            if value.starts_with('#') {
                continue;
            }
            match resolved(&unescaped(value), base) {
                Some((url, fragment)) if url == base && !fragment.is_empty() => {
                    format!(" {name}=\"{}\"", escaped(&fragment))
                }
                Some((url, fragment)) => match names.get(url.as_str()) {
                    Some(file) => format!(" {name}=\"{file}{}\"", escaped(&fragment)),
                    None => {
                        dropped += 1;
                        String::new()
                    }
                },
                None => {
                    dropped += 1;
                    String::new()
                }
            }
        } else if name == ASKED {
            let data = resolved(&unescaped(value), base).and_then(|(url, _)| inlined.get(&url));
            if let Some(data) = data {
                let data = data.replace('<', "\\u003c");
                let _ = write!(tail, "<script type=\"application/json\">{data}</script>");
            }
            String::new()
        } else if SERVER_ONLY.contains(&name) {
            // The script asks whether the attribute is there, and where it leads.
            format!(" {name}=\"\"")
        } else {
            continue;
        };
        written.push_str(&tag[copied..whole.start]);
        written.push_str(&replacement);
        copied = whole.end;
    }
    written.push_str(&tag[copied..]);
    out.push_str(&written);
    out.push_str(&tail);
    dropped
}

/// The opening tags of a page, each with its brackets.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices('<').filter_map(|(start, _)| {
        let rest = &page[start..];
        let is_opening = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        let end = rest.find('>')?;
        is_opening.then(|| &rest[..=end])
    })
}

/// The attributes of a tag that have a value: name and value, as written.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        let equals = rest.find("=\"")?;
        let name = rest[..equals].rsplit([' ', '\n', '<']).next()?;
        let value = &rest[equals + 2..];
        let end = value.find('"')?;
        rest = &value[end + 1..];
        Some((name, &value[..end]))
    })
}

/// The path and query that a link of the page `base` means, and its fragment with the `#`. `None`
/// for another host or scheme.
fn resolved(link: &str, base: &str) -> Option<(String, String)> {
    let (link, fragment) = match link.find('#') {
        Some(at) => (&link[..at], link[at..].to_owned()),
        None => (link, String::new()),
    };
    let url = if link.is_empty() {
        base.to_owned()
    } else if link.starts_with('?') {
        let path = base.split('?').next().unwrap_or_default();
        format!("{path}{link}")
    } else if link.starts_with('/') && !link.starts_with("//") {
        link.to_owned()
    } else {
        return None;
    };
    Some((url, fragment))
}

/// A value as it was before it was written into HTML.
fn unescaped(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(page: &str, base: &str) -> Offline {
        let names = BTreeMap::from([
            ("/", "index.html"),
            ("/benchmarks/a?metric=m&x=1", "benchmarks-a-1.html"),
            ("/static/1/style.css", "static-2.css"),
        ]);
        let inlined = BTreeMap::from([("/trends?points=1".to_owned(), "[\"<\"]".to_owned())]);
        offline(page, base, "Exported <today>", &names, &inlined)
    }

    #[test]
    fn links_lead_to_files_or_are_no_links() {
        let page = "<link rel=\"stylesheet\" href=\"/static/1/style.css\"><main id=\"main\"><a href=\"/\">home</a>\
            <a class=\"b\" href=\"/benchmarks/a?metric=m&#38;x=1#last\">a</a><a href=\"/gone\" aria-current=\"page\">gone</a>\
            <a href=\"#main\">down</a><a href=\"https://example.org/\">out</a>";
        let made = made(page, "/runs");
        assert_eq!(
            made.html,
            "<link rel=\"stylesheet\" href=\"static-2.css\"><aside class=\"notice\" aria-label=\"Export\"><p class=\"page\">\
             Exported &lt;today&gt;</p></aside><main id=\"main\"><a href=\"index.html\">home</a>\
             <a class=\"b\" href=\"benchmarks-a-1.html#last\">a</a><a aria-current=\"page\">gone</a>\
             <a href=\"#main\">down</a><a>out</a>"
        );
        assert_eq!(made.dropped, 2);
    }

    #[test]
    fn what_the_script_would_ask_for_is_in_the_page() {
        let page = "<div data-many data-points=\"/trends?points=1\" data-zoom=\"/trends\">x</div>";
        assert_eq!(
            made(page, "/trends").html,
            "<div data-many data-zoom=\"\"><script type=\"application/json\">[\"\\u003c\"]</script>x</div>"
        );
    }

    #[test]
    fn forms_are_left_out_and_data_of_scripts_is_left_alone() {
        let page = "a<form action=\"/x\"><input name=\"q\"></form>b<script type=\"application/json\">[\"<a href=\\\"/\\\">\"]</script>c";
        assert_eq!(
            made(page, "/").html,
            "ab<script type=\"application/json\">[\"<a href=\\\"/\\\">\"]</script>c"
        );
    }

    #[test]
    fn links_are_found_once_with_their_query() {
        let page = "<a href=\"?show=all#m\">1</a><a href=\"/runs/7?show=all\">2</a><a href=\"/b?x=1&amp;y=2\">3</a><img src=\"data:,x\">";
        assert_eq!(links(page, "/runs/7"), ["/runs/7?show=all", "/b?x=1&y=2"]);
    }
}
