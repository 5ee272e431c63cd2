//! One state alone, as TestState takes it.

use crate::document::{Member, Node, NodeKind, ObjectNode, Span};
use crate::validate::graph::StateNode;
use crate::validate::{Reader, Site};

/// A machine around one state: it starts there, and every state that it leads to is a Succeed.
pub(super) fn machine_around(state: Node, name: &str) -> Node {
    let span = state.span;
    let site = Site { location: String::new(), span, order: 0 };
    let mut names: Vec<String> = Vec::new();
    if let Some(object) = state.as_object() {
        for target in StateNode::read(name, &Reader { object, site }).targets {
            if target.name != name && !names.iter().any(|known| known == target.name) {
                names.push(target.name.to_owned());
            }
        }
    }
    let targets = names.into_iter().map(|name| {
        let succeed = text("Succeed", span);
        member(name, object(vec![member("Type".to_owned(), succeed)], span))
    });
    let states = std::iter::once(member(name.to_owned(), state)).chain(targets).collect();
    object(
        vec![
            member("StartAt".to_owned(), text(name, span)),
            member("States".to_owned(), object(states, span)),
        ],
        span,
    )
}

fn member(key: String, value: Node) -> Member {
    Member { key, key_span: Span { start: value.span.start, end: value.span.start + 1 }, value }
}

fn object(members: Vec<Member>, span: Span) -> Node {
    Node { kind: NodeKind::Object(ObjectNode::new(members)), span }
}

fn text(text: &str, span: Span) -> Node {
    Node { kind: NodeKind::String(text.to_owned()), span }
}
