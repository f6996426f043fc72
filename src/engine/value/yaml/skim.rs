//! Documents of which a few top-level keys are wanted: the rest is checked as
//! if it were read, and leaves nothing behind.

use super::YamlError;
use super::compose::{Composer, Next, at, check_depth, is_merge};
use super::resolve::{Scalar, resolve};
use crate::value::{Map, Value};
use granit_parser::{Event, ScalarStyle, Span};

impl<'a> Composer<'a> {
    /// Passes a node over. What aliases may name, and what is merged, is read.
    pub(super) fn skip(&mut self, (event, span): Next<'a>, depth: usize) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, 0, None) => {
                self.count_decoded();
                let may_be_number =
                    style == ScalarStyle::Plain && !text.starts_with(|c: char| c.is_alphabetic());
                if may_be_number && let Scalar::Float(number) = resolve(&text) {
                    check_json(Value::Float(number), &span)?;
                }
                Ok(())
            }
            Event::SequenceStart(_, 0, _) => {
                self.count_decoded();
                check_depth(depth + 1, &span)?;
                loop {
                    let next = self.next()?;
                    if matches!(next.0, Event::SequenceEnd) {
                        return Ok(());
                    }
                    self.skip(next, depth + 1)?;
                }
            }
            Event::MappingStart(_, 0, _) => {
                self.count_decoded();
                self.skip_mapping(&span, depth + 1)
            }
            event => {
                let node = self.node((event, span), depth)?;
                node.into_json().map_err(|problem| at(&span, problem))?;
                Ok(())
            }
        }
    }

    fn skip_mapping(&mut self, span: &Span, depth: usize) -> Result<(), YamlError> {
        check_depth(depth, span)?;
        loop {
            let next = self.next()?;
            match &next.0 {
                Event::MappingEnd => return Ok(()),
                event if is_merge(event) => {
                    let next = self.next()?;
                    drop(self.merged(next, depth)?);
                }
                _ => {
                    self.skip_key(next, depth)?;
                    let next = self.next()?;
                    self.skip(next, depth)?;
                }
            }
        }
    }

    fn skip_key(&mut self, (event, span): Next<'a>, depth: usize) -> Result<(), YamlError> {
        if let Event::Scalar(text, style, 0, None) = &event
            && (*style != ScalarStyle::Plain
                || matches!(
                    resolve(text),
                    Scalar::Str | Scalar::Int(_) | Scalar::Bool(_)
                ))
        {
            self.count_decoded();
            return Ok(());
        }
        let key = self.node((event, span), depth)?;
        key.into_key().map_err(|problem| at(&span, problem))?;
        Ok(())
    }

    /// The first document, of whose mapping only some keys are kept.
    pub(super) fn first_document_of(
        mut self,
        keeps: &dyn Fn(&str) -> bool,
    ) -> Result<Value, YamlError> {
        let root = self.document(|composer, next| match next {
            (Event::MappingStart(_, 0, _), span) => {
                composer.count_decoded();
                composer.kept(&span, keeps)
            }
            next => {
                let span = next.1;
                let root = composer.node(next, 0)?;
                root.into_json().map_err(|problem| at(&span, problem))
            }
        })?;
        Ok(root.unwrap_or_default())
    }

    fn kept(&mut self, span: &Span, keeps: &dyn Fn(&str) -> bool) -> Result<Value, YamlError> {
        const DEPTH: usize = 1;
        check_depth(DEPTH, span)?;
        let mut map = Map::new();
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::MappingEnd) {
                return Ok(Value::Map(map));
            }
            if is_merge(&next.0) {
                let next = self.next()?;
                for (key, value) in self.merged(next, DEPTH)?.filter(|(key, _)| keeps(key)) {
                    map.insert(key, value);
                }
                continue;
            }
            let span = next.1;
            let key = self.node(next, DEPTH)?;
            let key = key.into_key().map_err(|problem| at(&span, problem))?;
            let next = self.next()?;
            if keeps(&key) {
                let span = next.1;
                let node = self.node(next, DEPTH)?;
                let value = node.into_json().map_err(|problem| at(&span, problem))?;
                map.insert(key, value);
            } else {
                self.skip(next, DEPTH)?;
            }
        }
    }
}

fn check_json(value: Value, span: &Span) -> Result<(), YamlError> {
    super::compose::into_json(value).map_err(|problem| at(span, problem))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::value::Value;
    use crate::value::yaml::{parse_head, parse_one};

    /// What is left out is judged as if it were read.
    #[test]
    fn a_head_is_as_right_or_wrong_as_the_whole() {
        let texts = [
            "",
            "# nothing\n",
            "just text\n",
            "[kind, spec]\n",
            "kind: A\nspec: {a: 1, b: [x, 'y', \"z\"]}\n",
            "kind: A\nspec:\n  - |\n    text\n  - >-\n    more\n",
            "spec: {<<: {a: 1}, b: 2}\nkind: A\n",
            "spec: {<<: 1}\nkind: A\n",
            "spec: {<<: [{a: 1}, {b: 2}]}\nkind: A\n",
            "spec: &a {x: 1}\nkind: A\nmetadata: *a\n",
            "spec: [&a A, *a]\nkind: *a\n",
            "spec: *unknown\nkind: A\n",
            "spec: &a [*a]\nkind: A\n",
            "<<: {kind: B, spec: 1}\nmetadata: {}\n",
            "spec: .inf\nkind: A\n",
            "spec: [-.inf]\n",
            "spec: {a: .NaN}\n",
            "spec: {null: 1}\n",
            "spec: {~: 1}\n",
            "spec: {18446744073709551615: 1}\n",
            "spec: {1.5: 1, true: 2, 012: 3}\n",
            "spec: {? [a] : 1}\n",
            "spec: !!int text\n",
            "spec: !!binary \"%%%\"\n",
            "spec: {!!str 1: !!float 2}\n",
            "spec: !custom {a: 1}\n",
            "kind: A\nspec: {a: 1\n",
            "kind: A\n spec: 1\n",
            "kind: A\nkind: B\nspec: 1\nspec: 2\n",
            "null: 1\n",
            "kind: A\n...\ntext\n",
            "spec: \"\\x\"\n",
        ];
        let deep = format!("spec: {}{}\n", "[".repeat(200), "]".repeat(200));
        for text in texts.into_iter().chain([deep.as_str()]) {
            let head = parse_head(text, |key| key != "spec").map_err(|error| error.to_string());
            let whole = parse_one(text).map_err(|error| error.to_string());
            let whole = whole.map(|value| match value {
                Value::Map(mut map) => {
                    map.remove("spec");
                    Value::Map(map)
                }
                other => other,
            });
            assert_eq!(head, whole, "{text:?}");
        }
    }
}
