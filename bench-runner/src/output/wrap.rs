//! Text for terminals of 80 columns.

/// Columns of a line at most.
pub const WIDTH: usize = 80;

/// A paragraph in lines of at most so many columns; a longer word has a line of its own.
pub fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let columns = |text: &str| text.chars().count();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A paragraph behind `label`, its further lines standing under its first; each ends in a newline.
pub fn hanging(label: &str, paragraph: &str) -> String {
    let indent = label.chars().count();
    let lines = wrapped(paragraph, WIDTH.saturating_sub(indent));
    let text = lines.join(&format!("\n{:indent$}", ""));
    format!("{}\n", format!("{label}{text}").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_stand_under_the_first() {
        let words = "word ".repeat(17);
        insta::assert_snapshot!(hanging("  a label  ", &words), @r"
        a label  word word word word word word word word word word word word word word
                 word word word
        ");
        assert_eq!(hanging("nothing ", ""), "nothing\n");
    }

    #[test]
    fn no_line_is_longer_than_it_may_be_but_for_a_single_word() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrapped("a very-long-word b", 4),
            ["a", "very-long-word", "b"]
        );
        assert_eq!(wrapped("±±± ±±±", 7), ["±±± ±±±"]);
    }
}
