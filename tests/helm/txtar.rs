//! Charts as one text, and answers as another.

use crate::tgz;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Lines of arguments and the files of a chart.
pub struct Case {
    pub arguments: Vec<String>,
    pub files: Vec<(String, String)>,
}

impl Case {
    pub fn parse(text: &str) -> Self {
        let mut case = Case {
            arguments: Vec::new(),
            files: Vec::new(),
        };
        for line in text.split_inclusive('\n') {
            let name = line
                .trim_end()
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            match (name, case.files.last_mut()) {
                (Some(name), _) => case.files.push((name.to_owned(), String::new())),
                (None, Some((_, body))) => body.push_str(line),
                (None, None) if line.starts_with('#') || line.trim().is_empty() => {}
                (None, None) => case.arguments.push(line.trim().to_owned()),
            }
        }
        case
    }

    /// Writes the chart's folder; `x.tgz!/a/b` goes into the archive `x.tgz`.
    pub fn write_to(&self, folder: &Path) {
        let mut archives: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (name, body) in &self.files {
            match name.split_once("!/") {
                Some((archive, inner)) => {
                    archives.entry(archive).or_default().push((inner, body));
                }
                None => write(&folder.join(name), body.as_bytes()),
            }
        }
        for (archive, files) in archives {
            write(&folder.join(archive), &tgz::packed(&files));
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    let parent = path.parent().expect("it is in a folder");
    fs::create_dir_all(parent).expect("the folder can be made");
    fs::write(path, bytes).expect("the file can be written");
}

/// What stands in front of each answer in a recording.
const PROMPT: &str = "$ helm template ";

pub fn write_answers(path: &Path, answers: &[(String, String)]) {
    let text: String = answers
        .iter()
        .map(|(arguments, answer)| format!("{PROMPT}{arguments}\n{answer}\x1e\n"))
        .collect();
    fs::write(path, text).expect("the recording can be written");
}

pub fn read_answers(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let answers = text.split("\x1e\n").filter_map(|block| {
        let (arguments, answer) = block.strip_prefix(PROMPT)?.split_once('\n')?;
        Some((arguments.to_owned(), answer.to_owned()))
    });
    answers.collect()
}
