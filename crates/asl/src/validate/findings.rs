//! Collecting diagnostics: where a rule looks, and what it says about it.

use crate::document::{LineTable, Node, ObjectNode, Span};
use crate::{Diagnostic, Severity};

/// The code of most findings.
pub(crate) const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";

/// A place that a finding can be about.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// AWS's location; empty for the machine itself, which AWS writes `/`.
    pub(crate) location: String,
    /// What carets point at.
    pub(crate) span: Span,
    /// Where the finding comes among the others: the offset of the thing it is about.
    pub(crate) order: usize,
}

impl Site {
    /// The site of something inside this one, that carets can point at.
    pub(crate) fn inside(&self, path: &str, span: Span) -> Site {
        Site { location: format!("{}/{path}", self.location), span, order: span.start }
    }

    /// The same site with carets elsewhere.
    pub(crate) fn pointing_at(&self, span: Span) -> Site {
        Site { span, ..self.clone() }
    }
}

/// A member of an object under inspection.
#[derive(Debug, Clone)]
pub(crate) struct Field<'n> {
    pub(crate) key: &'n str,
    pub(crate) node: &'n Node,
    pub(crate) site: Site,
}

impl<'n> Field<'n> {
    /// The elements of an array with their sites: `Choices[0]`.
    pub(crate) fn elements(&self) -> Vec<Field<'n>> {
        let elements = self.node.as_array().unwrap_or_default().iter().enumerate();
        elements
            .map(|(index, node)| Field {
                key: self.key,
                node,
                site: Site {
                    location: format!("{}[{index}]", self.site.location),
                    span: node.span,
                    order: node.span.start,
                },
            })
            .collect()
    }
}

/// An object under inspection.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'n> {
    pub(crate) object: &'n ObjectNode,
    pub(crate) site: Site,
}

impl<'n> Reader<'n> {
    /// The member with this key.
    pub(crate) fn field(&self, key: &str) -> Option<Field<'n>> {
        let member = self.object.member(key)?;
        Some(Field {
            key: &member.key,
            node: &member.value,
            site: self.site.inside(key, member.value.span),
        })
    }

    /// The text of a member, if it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<&'n str> {
        self.object.get(key)?.as_str()
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    findings: Vec<(usize, Finding)>,
    /// How many were there when the document had been read; later ones keep their order.
    sorted: Option<usize>,
}

#[derive(Debug)]
struct Finding {
    severity: Severity,
    code: &'static str,
    message: String,
    location: Option<String>,
    span: Option<Span>,
}

impl Findings {
    /// An error at a site.
    pub(crate) fn error(&mut self, code: &'static str, message: impl Into<String>, site: &Site) {
        self.push(Severity::Error, code, message.into(), Some(site));
    }

    /// An error of the schema at a site.
    pub(crate) fn schema(&mut self, message: impl Into<String>, site: &Site) {
        self.error(SCHEMA, message, site);
    }

    /// An error about the whole machine, without a location.
    pub(crate) fn error_without_location(&mut self, code: &'static str, message: &str) {
        self.push(Severity::Error, code, message.to_owned(), None);
    }

    /// A warning at a site.
    pub(crate) fn warning(&mut self, code: &'static str, message: &str, site: &Site) {
        self.push(Severity::Warning, code, message.to_owned(), Some(site));
    }

    fn push(&mut self, severity: Severity, code: &'static str, message: String, at: Option<&Site>) {
        let location = at.map(|site| match site.location.as_str() {
            "" => "/".to_owned(),
            location => location.to_owned(),
        });
        let span = at.map(|site| site.span);
        let order = at.map_or(0, |site| site.order);
        self.findings.push((order, Finding { severity, code, message, location, span }));
    }

    /// The value is of another type than the field takes.
    pub(crate) fn wrong_type(&mut self, expected: &str, field: &Field<'_>) {
        self.schema(format!("Expected value of type {expected}"), &field.site);
    }

    /// Puts what was found so far into document order. What is found later follows.
    pub(crate) fn end_of_document(&mut self) {
        self.findings.sort_by_key(|(order, _)| *order);
        self.sorted = Some(self.findings.len());
    }

    /// Whether an error was found.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|(_, finding)| finding.severity == Severity::Error)
    }

    /// The diagnostics: errors first, then warnings.
    pub(crate) fn into_diagnostics(self, lines: &LineTable<'_>) -> Vec<Diagnostic> {
        debug_assert!(self.sorted.is_some(), "the findings are in document order");
        let mut diagnostics: Vec<Diagnostic> = self
            .findings
            .into_iter()
            .map(|(_, finding)| Diagnostic {
                severity: finding.severity,
                code: finding.code,
                message: finding.message,
                location: finding.location,
                span: finding.span.map(|span| lines.positions(span)),
            })
            .collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        diagnostics
    }
}
