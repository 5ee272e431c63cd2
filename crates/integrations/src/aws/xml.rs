//! XML as services use it: elements with attributes, and either elements or text inside.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements inside each other, at most.
const DEPTH_MAX: usize = 100;

/// An element. Prefixes of namespaces are dropped when it is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn new(name: &str) -> Element {
        Element { name: name.to_owned(), ..Element::default() }
    }

    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of a name.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first descendant of a name, this one among them.
    pub(super) fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, into: &mut String) {
        into.push('<');
        into.push_str(&self.name);
        for (name, value) in &self.attributes {
            into.push(' ');
            into.push_str(name);
            into.push_str("=\"");
            into.push_str(&escape(value));
            into.push('"');
        }
        into.push('>');
        into.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(into);
        }
        into.push_str("</");
        into.push_str(&self.name);
        into.push('>');
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Element, String> {
        let mut reader = Reader::from_str(text);
        // The last one is open.
        let mut open: Vec<Element> = Vec::new();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => {
                    if open.len() == DEPTH_MAX {
                        return Err(format!("more than {DEPTH_MAX} elements inside each other"));
                    }
                    open.push(begin(&start)?);
                }
                Event::Empty(start) => {
                    if let Some(root) = close(begin(&start)?, &mut open) {
                        return Ok(root);
                    }
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("an end without a start")?;
                    if let Some(root) = close(element, &mut open) {
                        return Ok(root);
                    }
                }
                Event::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Event::CData(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Event::GeneralRef(name) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&resolve(&name)?);
                    }
                }
                Event::Eof => return Err("the document ends too early".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
        }
    }
}

/// Puts an element that is complete into the one around it; the root comes back.
fn close(mut element: Element, open: &mut [Element]) -> Option<Element> {
    // White space between elements means nothing.
    if !element.children.is_empty() && element.text.trim().is_empty() {
        element.text.clear();
    }
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            None
        }
        None => Some(element),
    }
}

fn begin(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element::new(start.local_name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name = attribute.key.as_ref().to_owned();
        let value =
            quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

/// The character of `&name;`.
fn resolve(name: &str) -> Result<String, String> {
    quick_xml::escape::unescape(&format!("&{name};"))
        .map(|text| text.into_owned())
        .map_err(|error| error.to_string())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Parsers make line feeds of these.
            '\r' => escaped.push_str("&#13;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_written() {
        let text = "<?xml version=\"1.0\"?>\n<a xmlns:x=\"u\" b=\"1 &amp; 2\"> <x:c>t &lt;&#10;<![CDATA[<&>]]></x:c>\n <c/> </a>";
        let root = Element::parse(text).unwrap();
        assert_eq!(
            root.to_text(),
            "<a xmlns:x=\"u\" b=\"1 &amp; 2\"><c>t &lt;\n&lt;&amp;&gt;</c><c></c></a>"
        );
        assert_eq!(root.all("c").count(), 2);
        assert_eq!(root.find("c"), root.child("c"));
        for wrong in ["", "<a>", "<a></b>", "text", "<a>&nothing;</a>"] {
            assert!(Element::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Element::parse(&"<a>".repeat(1000)).is_err());
    }
}
