//! YAML documents, as far as a catalogue needs them: maps, lists and texts, with their lines.
//!
//! A scalar is its text; what it would be as a number is not asked. Aliases are refused, so that a
//! small file stays small; so are tags of a program's own, whose meaning nobody here knows.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::limits::{YAML_DEPTH_MAX, YAML_KEYS_MAX, YAML_NODES_MAX};

/// A value and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Yaml {
    pub(crate) line: usize,
    pub(crate) node: Node,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// What is wrong, and on which line.
pub(crate) type Fault = (usize, String);

/// Calls `take` with each document of a text.
pub(crate) fn documents(
    text: &str,
    mut take: impl FnMut(Yaml) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|error| (error.marker().line(), error.info().to_owned()))?;
        if let Some(document) = builder.event(event, span.start.line())? {
            take(document)?;
        }
    }
    Ok(())
}

/// A container that is not closed, and the key whose value comes next.
struct Open {
    yaml: Yaml,
    key: Option<String>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    nodes: usize,
}

impl Builder {
    /// Takes in an event; gives the document that it ends.
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<Option<Yaml>, Fault> {
        self.nodes += 1;
        if self.nodes > YAML_NODES_MAX {
            return Err((line, format!("a document has at most {YAML_NODES_MAX} values")));
        }
        match event {
            Event::Alias(_) => {
                Err((line, "an alias (*name) stands here; write the value itself".into()))
            }
            Event::Scalar(text, style, _, tag) => {
                known(tag.as_deref(), line)?;
                let is_null = style == ScalarStyle::Plain
                    && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let node = if is_null { Node::Null } else { Node::Text(text.into_owned()) };
                self.close(Yaml { line, node })
            }
            Event::SequenceStart(_, tag) => self.open(Node::List(Vec::new()), tag.as_deref(), line),
            Event::MappingStart(_, tag) => self.open(Node::Map(Vec::new()), tag.as_deref(), line),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.close(open.yaml),
                None => Err((line, "a container ends that did not begin".into())),
            },
            Event::DocumentStart(_) => {
                self.nodes = 0;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn open(&mut self, node: Node, tag: Option<&Tag>, line: usize) -> Result<Option<Yaml>, Fault> {
        known(tag, line)?;
        if self.open.len() >= YAML_DEPTH_MAX {
            return Err((line, format!("values stand within at most {YAML_DEPTH_MAX} others")));
        }
        self.open.push(Open { yaml: Yaml { line, node }, key: None });
        Ok(None)
    }

    /// Puts a value that is whole where it belongs.
    fn close(&mut self, yaml: Yaml) -> Result<Option<Yaml>, Fault> {
        let Some(open) = self.open.last_mut() else { return Ok(Some(yaml)) };
        match (&mut open.yaml.node, open.key.take()) {
            (Node::List(items), _) => items.push(yaml),
            (Node::Map(members), Some(key)) => members.push((key, yaml)),
            (Node::Map(members), None) => {
                let Node::Text(key) = yaml.node else {
                    return Err((yaml.line, "a key of a map must be a text".into()));
                };
                if members.iter().any(|(k, _)| *k == key) {
                    return Err((yaml.line, format!("the key {key:?} stands twice in one map")));
                }
                if members.len() >= YAML_KEYS_MAX {
                    return Err((yaml.line, format!("a map has at most {YAML_KEYS_MAX} keys")));
                }
                open.key = Some(key);
            }
            (Node::Null | Node::Text(_), _) => {}
        }
        Ok(None)
    }
}

fn known(tag: Option<&Tag>, line: usize) -> Result<(), Fault> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => {
            let shown: String = format!("{}{}", tag.handle, tag.suffix).chars().take(64).collect();
            Err((line, format!("the tag {shown:?} is not known; leave it out")))
        }
        _ => Ok(()),
    }
}

impl Yaml {
    /// A member of a map; a null is as good as none.
    pub(crate) fn get(&self, key: &str) -> Option<&Yaml> {
        let Node::Map(members) = &self.node else { return None };
        let found = members.iter().find(|(k, _)| k == key).map(|(_, value)| value);
        found.filter(|value| value.node != Node::Null)
    }

    /// The text of a member; `Ok(None)` if it is not there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Yaml { node: Node::Text(text), .. }) => Ok(Some(text)),
            Some(other) => Err((other.line, format!("{key} must be a text"))),
        }
    }
}
