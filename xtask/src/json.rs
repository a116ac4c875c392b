//! Just enough JSON to read what `cargo metadata` writes. Cargo is trusted to write JSON: what is
//! not understood ends the chore with the place.

use std::collections::BTreeMap;

/// A JSON value; numbers keep their text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// The member `name` of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array; of anything else none.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }
}

/// Reads one value.
pub fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value()?;
    reader.blank();
    match reader.at == text.len() {
        true => Ok(value),
        false => Err(reader.unexpected()),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn unexpected(&self) -> String {
        format!("not understood as JSON at byte {}", self.at)
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, word: &str) -> bool {
        self.blank();
        let eaten = self.rest().starts_with(word);
        self.at += if eaten { word.len() } else { 0 };
        eaten
    }

    fn need(&mut self, word: &str) -> Result<(), String> {
        if self.eat(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.eat("{") {
            return self.object();
        }
        if self.eat("[") {
            return self.list();
        }
        if self.eat("\"") {
            return Ok(Value::Text(self.string()?));
        }
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.eat(word) {
                return Ok(value);
            }
        }
        let digits = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let number = &self.rest()[..digits.unwrap_or(self.rest().len())];
        if number.is_empty() {
            return Err(self.unexpected());
        }
        self.at += number.len();
        Ok(Value::Number(number.to_owned()))
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut members = BTreeMap::new();
        if self.eat("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.need("\"")?;
            let name = self.string()?;
            self.need(":")?;
            members.insert(name, self.value()?);
            if self.eat("}") {
                return Ok(Value::Object(members));
            }
            self.need(",")?;
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.eat("]") {
                return Ok(Value::List(items));
            }
            self.need(",")?;
        }
    }

    /// The rest of a string whose quote is eaten. Escaped code points come out as `?`: nothing
    /// that is asked of metadata holds one.
    fn string(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('u') => {
                        out.push('?');
                        chars.nth(3);
                    }
                    Some(plain) => out.push(plain),
                    None => break,
                },
                plain => out.push(plain),
            }
        }
        Err(self.unexpected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_through() {
        let text = r#" {"a":[1.5e3,null,{"b\"\u00e9":"x\\y"}], "c":true,"d":{},"e":[]} "#;
        let value = read(text).expect("JSON");
        let inner = &value.get("a").expect("a").items()[2];
        assert_eq!(inner.get("b\"?").and_then(Value::text), Some("x\\y"));
        assert_eq!(value.get("c"), Some(&Value::Bool(true)));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["", "{", "[1,", "{\"a\"}", "\"open", "[] x", "{\"a\":}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
