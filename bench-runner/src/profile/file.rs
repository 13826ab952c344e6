//! What is written of a profile, by the ending of the file's name.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Profile, ProfileError, pprof};
use crate::collect::file::write_whole;

/// A form of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A flame graph.
    Svg,
    /// pprof's protobuf.
    Pprof,
    /// Folded stacks.
    Folded,
}

impl Form {
    /// The form that a file's ending asks for.
    pub fn of(path: &Path) -> Result<Self, ProfileError> {
        let name = path.file_name().map(|name| name.to_string_lossy());
        match name.as_deref().unwrap_or_default() {
            name if name.ends_with(".svg") => Ok(Form::Svg),
            // Go's own profiles are called .prof, and are the same protobuf.
            name if [".pb", ".pb.gz", ".prof"]
                .iter()
                .any(|end| name.ends_with(end)) =>
            {
                Ok(Form::Pprof)
            }
            name if name.ends_with(".folded") => Ok(Form::Folded),
            _ => Err(ProfileError::Ending {
                path: path.to_owned(),
            }),
        }
    }
}

/// The files of a profile: one, or one for each of its weights where the form holds only one.
pub(super) fn contents(profile: &Profile, path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let each = |content: &dyn Fn(&super::stacks::Side) -> String| {
        let sides = profile.sort.sides().iter();
        sides
            .map(|side| (with_suffix(path, side.suffix), content(side).into_bytes()))
            .collect()
    };
    match Form::of(path) {
        Ok(Form::Svg) => each(&|side| profile.svg(side)),
        Ok(Form::Folded) => each(&|side| profile.folded(side.at)),
        Ok(Form::Pprof) => vec![(path.to_owned(), pprof::encode(profile))],
        Err(_) => Vec::new(),
    }
}

/// Writes a file whole; one that ends in `.gz` or `.prof` is compressed.
pub(super) fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let is_packed = path
        .extension()
        .is_some_and(|end| end == "gz" || end == "prof");
    if !is_packed {
        return write_whole(path, content);
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(content)?;
    write_whole(path, &packer.finish()?)
}

/// `mem.svg` and `-objects`: `mem-objects.svg`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    if suffix.is_empty() {
        return path.to_owned();
    }
    let part = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let (stem, end) = (part(path.file_stem()), part(path.extension()));
    path.with_file_name(format!("{stem}{suffix}.{end}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Sort;
    use super::super::stacks::tests::profile;
    use super::*;

    #[test]
    fn the_ending_says_what_is_written() {
        let form = |name: &str| Form::of(Path::new(name)).ok();
        assert_eq!(form("out/cpu.svg"), Some(Form::Svg));
        assert_eq!(form("cpu.pb.gz"), Some(Form::Pprof));
        assert_eq!(form("cpu.prof"), Some(Form::Pprof));
        assert_eq!(form("cpu.folded"), Some(Form::Folded));
        assert_eq!(form("cpu"), None);
        let error = Form::of(Path::new("cpu.png")).unwrap_err().to_string();
        assert!(
            error.contains("cpu.png") && error.contains(".svg"),
            "{error}"
        );
    }

    #[test]
    fn a_form_of_one_weight_gives_a_file_for_each() {
        let names = |sort, path: &str| -> Vec<String> {
            let files = contents(&profile(sort), Path::new(path));
            files
                .iter()
                .map(|file| file.0.display().to_string())
                .collect()
        };
        assert_eq!(
            names(Sort::Heap, "a/mem.svg"),
            ["a/mem.svg", "a/mem-objects.svg"]
        );
        assert_eq!(names(Sort::Cpu, "cpu.folded"), ["cpu.folded"]);
        assert_eq!(names(Sort::Heap, "mem.pb"), ["mem.pb"]);
        let svg = contents(&profile(Sort::Cpu), Path::new("cpu.svg"));
        assert!(svg[0].1.starts_with(b"<svg ") && svg[0].1.ends_with(b"</svg>\n"));
    }

    #[test]
    fn what_ends_in_gz_is_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cpu.pb.gz");
        write(&path, b"content").unwrap();
        let packed = std::fs::read(&path).unwrap();
        let mut text = String::new();
        let mut reader = flate2::read::GzDecoder::new(packed.as_slice());
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(text, "content");
    }
}
