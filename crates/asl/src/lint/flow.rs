//! States from which the execution cannot end.

use std::collections::HashMap; // Never iterated

use super::{Linter, NO_WAY_OUT};
use crate::document::Node;
use crate::validate::Reader;
use crate::validate::graph::StateNode;

impl Linter {
    /// Reports where a scope goes in and cannot come out any more.
    pub(super) fn no_way_out(&mut self, scope: &Reader<'_>) {
        let Some(states) = scope.object.get("States").and_then(Node::as_object) else { return };
        let nodes: Vec<StateNode<'_>> = states
            .iter()
            .filter_map(|member| {
                let site = scope.site.inside(&format!("States/{}", member.key), member.key_span);
                let reader = Reader { object: member.value.as_object()?, site };
                Some(StateNode::read(&member.key, &reader))
            })
            .collect();
        let places: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(place, node)| (node.name, place)).collect();
        let mut ends: Vec<bool> = nodes.iter().map(|node| node.is_terminal).collect();
        loop {
            let mut changed = false;
            for (place, node) in nodes.iter().enumerate() {
                let leads_out = |name: &str| places.get(name).is_some_and(|next| ends[*next]);
                if !ends[place] && node.targets.iter().any(|target| leads_out(target.name)) {
                    ends[place] = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        for (place, node) in nodes.iter().enumerate().filter(|(place, _)| !ends[*place]) {
            // Where it goes in from a state that still had a choice, or at the start.
            let is_entry = scope.text("StartAt") == Some(node.name)
                || nodes.iter().enumerate().any(|(from, other)| {
                    ends[from] && other.targets.iter().any(|target| places[target.name] == place)
                });
            if is_entry {
                let message = format!(
                    "From \"{}\" on no state is reached that ends: this goes round for ever.",
                    node.name
                );
                self.advise(NO_WAY_OUT, message, &node.site);
            }
        }
    }
}
