use std::fmt;

/// An error as Go builds them by wrapping: a chain of prefixes around a cause.
/// The text is all of them; `chain` gives what `errors.Unwrap` would walk, which
/// Helm does to print one location after another. Prefixes are kept apart,
/// since a loop of includes wraps a thousand times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Innermost first: the cause, then the prefixes put before it.
    layers: Vec<Layer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layer {
    text: String,
    /// Go's template.ExecError: it adds a step to the chain that has the same text.
    exec: bool,
}

impl Error {
    /// `errors.New(text)`
    pub fn new(text: impl Into<String>) -> Self {
        Error {
            layers: vec![Layer {
                text: text.into(),
                exec: false,
            }],
        }
    }

    /// `fmt.Errorf("<prefix>%w", err)`
    pub fn wrap(mut self, prefix: impl Into<String>) -> Self {
        self.layers.push(Layer {
            text: prefix.into(),
            exec: false,
        });
        self
    }

    /// Marks the outermost layer as text/template's own error.
    pub fn into_exec(mut self) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.exec = true;
        }
        self
    }

    /// Whether text/template made it (`errors.As(err, &template.ExecError{})`).
    pub fn is_exec(&self) -> bool {
        self.layers.iter().any(|layer| layer.exec)
    }

    /// The texts that `errors.Unwrap` walks, the whole first. Of steps with
    /// equal texts (template.ExecError around its own error) there is one.
    pub fn chain(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.layers.len())
            .rev()
            .map(|n| text_of(&self.layers[..n]))
    }

    /// The cause at the bottom of the chain.
    pub fn cause(&self) -> &str {
        self.layers.first().map_or("", |layer| &layer.text)
    }
}

fn text_of(layers: &[Layer]) -> String {
    layers
        .iter()
        .rev()
        .map(|layer| layer.text.as_str())
        .collect()
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for layer in self.layers.iter().rev() {
            out.write_str(&layer.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
