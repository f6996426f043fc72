//! The two kinds of globs that Argo CD's users write: gobwas (projects,
//! include and exclude, ignoreDifferences) and doublestar (value files).
//!
//! Invariant: matching takes time linear in the text, whatever the pattern.

mod gobwas;

mod doublestar;

/// A longer pattern, or one that expands to more, is refused.
pub const MAX_PATTERN: usize = 16 << 10;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Glob {
    program: Vec<Step>,
    /// Where the pattern is a text, `**`, a text: gobwas lets the two overlap,
    /// so that `a/**/b` takes `a/b`.
    prefix_suffix: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("glob {pattern:?}: {problem}")]
pub struct GlobError {
    pattern: String,
    problem: String,
}

impl GlobError {
    fn new(pattern: &str, problem: impl Into<String>) -> Self {
        GlobError {
            pattern: pattern.to_owned(),
            problem: problem.into(),
        }
    }
}

/// One step of the matcher. A state is the index of a step; the end of the
/// program is the match.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Takes one character.
    One(Class),
    /// Takes any number of characters.
    Many(Class),
    /// Goes on at both of the places.
    Either(usize, usize),
    Jump(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Is(char),
    Any,
    /// Anything but these.
    NoneOf(Vec<char>),
    /// One of the ranges, or none of them where `not`.
    Ranges {
        ranges: Vec<(char, char)>,
        not: bool,
    },
}

impl Class {
    fn has(&self, c: char) -> bool {
        match self {
            Class::Is(wanted) => *wanted == c,
            Class::Any => true,
            Class::NoneOf(separators) => !separators.contains(&c),
            Class::Ranges { ranges, not } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *not
            }
        }
    }
}

impl Glob {
    /// A pattern of github.com/gobwas/glob: `*` and `?` stop at the
    /// separators, `**` does not; `[a-z]`, `[!abc]`, `{a,b*}`, `\x`. Without
    /// separators `*` takes everything.
    pub fn gobwas(pattern: &str, separators: &[char]) -> Result<Self, GlobError> {
        check_size(pattern)?;
        let program = gobwas::compile(pattern, separators)?;
        Ok(Glob {
            prefix_suffix: prefix_suffix(&program),
            program,
        })
    }

    /// A pattern of github.com/bmatcuk/doublestar over paths with `/`: `**`
    /// as a whole part of the path takes any number of parts.
    pub fn doublestar(pattern: &str) -> Result<Self, GlobError> {
        check_size(pattern)?;
        let program = doublestar::compile(pattern)?;
        Ok(Glob {
            program,
            prefix_suffix: None,
        })
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        if let Some((prefix, suffix)) = &self.prefix_suffix {
            return text.starts_with(prefix) && text.ends_with(suffix);
        }
        let mut states = vec![false; self.program.len() + 1];
        let mut next = states.clone();
        self.enter(0, &mut states);
        for c in text.chars() {
            next.fill(false);
            let mut alive = false;
            for (state, step) in self
                .program
                .iter()
                .enumerate()
                .filter(|(at, _)| states[*at])
            {
                let to = match step {
                    Step::One(class) if class.has(c) => state + 1,
                    Step::Many(class) if class.has(c) => state,
                    Step::One(_) | Step::Many(_) | Step::Either(..) | Step::Jump(_) => continue,
                };
                alive = true;
                self.enter(to, &mut next);
            }
            if !alive {
                return false;
            }
            std::mem::swap(&mut states, &mut next);
        }
        states[self.program.len()]
    }

    /// Marks a state and all that are reached from it without a character.
    fn enter(&self, state: usize, states: &mut [bool]) {
        let mut todo = vec![state];
        while let Some(state) = todo.pop() {
            if std::mem::replace(&mut states[state], true) {
                continue;
            }
            match self.program.get(state) {
                Some(Step::Many(_)) => todo.push(state + 1),
                Some(Step::Either(one, other)) => todo.extend([*one, *other]),
                Some(Step::Jump(to)) => todo.push(*to),
                Some(Step::One(_)) | None => {}
            }
        }
    }
}

/// Alternatives behind one another: each is tried, all go on at the end.
fn alternatives(programs: Vec<Vec<Step>>) -> Vec<Step> {
    let total: usize = programs.iter().map(|program| program.len() + 2).sum();
    let mut whole = Vec::with_capacity(total);
    let n = programs.len();
    for (at, program) in programs.into_iter().enumerate() {
        let start = whole.len();
        let behind = start + program.len() + 2;
        if at + 1 < n {
            whole.push(Step::Either(start + 1, behind));
        } else {
            whole.push(Step::Jump(start + 1));
        }
        append(&mut whole, program);
        whole.push(Step::Jump(total));
    }
    whole
}

/// Puts a program behind another.
fn append(whole: &mut Vec<Step>, program: Vec<Step>) {
    let base = whole.len();
    whole.extend(program.into_iter().map(|step| match step {
        Step::Either(one, other) => Step::Either(one + base, other + base),
        Step::Jump(to) => Step::Jump(to + base),
        Step::One(_) | Step::Many(_) => step,
    }));
}

fn prefix_suffix(program: &[Step]) -> Option<(String, String)> {
    let text = |steps: &[Step]| {
        let characters = steps.iter().map(|step| match step {
            Step::One(Class::Is(c)) => Some(*c),
            _ => None,
        });
        characters.collect::<Option<String>>()
    };
    let star = program
        .iter()
        .position(|step| *step == Step::Many(Class::Any))?;
    Some((text(&program[..star])?, text(&program[star + 1..])?))
}

fn check_size(pattern: &str) -> Result<(), GlobError> {
    if pattern.len() > MAX_PATTERN {
        let problem = format!("longer than {MAX_PATTERN} bytes");
        let start: String = pattern.chars().take(40).collect();
        return Err(GlobError::new(&start, problem));
    }
    Ok(())
}
