//! What an expression mentions, found once when it is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jlens_core::ast::{BinaryOp, FallbackOp, Stage};
use jlens_core::{Ast, Error, Node, NodeKind, Span};

use super::functions;
use super::{ExpressionError, StatesReferences};

/// What an expression mentions.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// Variables that are bound outside of the expression, without `$`, `$$`, `$states` and the
    /// names of functions.
    pub(super) variables: BTreeSet<String>,
    /// Names of functions that are used free: a variable may carry such a name, too.
    pub(super) functions: BTreeSet<String>,
    pub(super) states: StatesReferences,
    /// What stands behind `$states.` and is none of its members.
    pub(super) unknown_states_members: BTreeSet<String>,
    /// A function may take the context of the whole expression for an argument that is left
    /// out. There is none on AWS, so nothing else may stand there.
    pub(super) takes_context: bool,
    /// The comparisons of two values that may be built so that they share their parts many
    /// times over, innermost last: the operands' and the whole's places in the text.
    pub(super) comparisons: Vec<Comparison>,
    /// An evaluation may take longer than its text and its data tell.
    pub(super) may_take_long: bool,
    /// Where `$states` stands before the name of a member.
    pub(super) states_places: Vec<Span>,
    /// `$states` stands elsewhere, too.
    pub(super) uses_states_whole: bool,
    /// The whole expression is arithmetic.
    pub(super) is_arithmetic: bool,
    /// Functions are made inside of functions: each may hold the one before it, in a chain as
    /// long as the evaluation has steps.
    pub(super) makes_functions: bool,
    /// Set by the first thing that AWS refuses.
    refused: Option<ExpressionError>,
}

/// Where `left = right` or `left != right` stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub(super) left: Span,
    pub(super) right: Span,
    /// `!=`
    pub(super) is_negated: bool,
}

/// Looks the expression over; fails with what AWS's JSONata 2.0.6 refuses in it.
pub(super) fn analyse(ast: &Ast) -> Result<Analysis, ExpressionError> {
    let mut walk = Walk {
        analysis: Analysis::default(),
        bound: Vec::new(),
        functions: 0,
        traits: Traits::default(),
    };
    walk.node(&ast.root, true);
    let mut analysis = walk.analysis;
    let traits = walk.traits;
    if !traits.builds || !traits.repeats {
        analysis.comparisons.clear();
    }
    match analysis.refused.take() {
        Some(refused) => Err(refused),
        None => Ok(analysis),
    }
}

/// How many arguments each function needs that takes the context for a missing one.
fn context_functions() -> &'static BTreeMap<&'static str, usize> {
    static FUNCTIONS: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let functions = jlens_core::function_catalog().into_iter();
        functions
            .filter(|function| function.signature.contains('-'))
            .map(|function| {
                let parameters = function.signature.split(':').next().unwrap_or_default();
                let optional = parameters.matches('?').count();
                (function.name, function.params.len().saturating_sub(optional))
            })
            .collect()
    })
}

#[derive(Default)]
struct Traits {
    builds: bool,
    repeats: bool,
}

struct Walk {
    analysis: Analysis,
    /// The variables that are bound inside the expression where the walk is.
    bound: Vec<String>,
    /// How many functions the walk is in.
    functions: usize,
    traits: Traits,
}

impl Walk {
    fn refuse(&mut self, error: ExpressionError) {
        self.analysis.refused.get_or_insert(error);
    }

    fn refuse_top_level(&mut self, name: &str) {
        self.refuse(ExpressionError::Unsupported(format!(
            "Reference to '{name}' at the top level is not supported."
        )));
    }

    /// Visits a node; `is_top` where its context is that of the whole expression.
    fn node(&mut self, node: &Node, is_top: bool) {
        jlens_core::stack::grow(|| self.kind(node, is_top));
        self.attributes(node);
    }

    /// Visits the filters and the grouping of a node, which have a context of their own.
    fn attributes(&mut self, node: &Node) {
        let outer = self.bound.len();
        self.bound.extend(node.attrs.focus.iter().chain(&node.attrs.index).cloned());
        for stage in node.attrs.stages.iter().chain(&node.attrs.predicate) {
            match stage {
                Stage::Filter { expr, .. } => self.node(expr, false),
                Stage::Index { var, .. } => self.bound.push(var.clone()),
            }
        }
        if let Some(group) = &node.attrs.group {
            self.traits.builds = true;
            self.analysis.may_take_long = true;
            for (key, value) in &group.pairs {
                self.node(key, false);
                self.node(value, false);
            }
        }
        self.bound.truncate(outer);
    }

    fn kind(&mut self, node: &Node, is_top: bool) {
        match &node.kind {
            NodeKind::Path { steps, .. } => self.path(steps, is_top),
            NodeKind::Name { name } if is_top => self.refuse_top_level(name),
            NodeKind::Wildcard if is_top => self.refuse_top_level("*"),
            NodeKind::Descendant if is_top => self.refuse_top_level("**"),
            NodeKind::Variable { name } => self.variable(name, is_top, node.span, None),
            NodeKind::Fallback { op, .. } => {
                let symbol = match op {
                    FallbackOp::Default => ":",
                    FallbackOp::Coalesce => "?",
                };
                let error = Error::new("S0211").with("token", symbol);
                self.refuse(ExpressionError::Invalid(error.message()));
            }
            NodeKind::Block { exprs, .. } => {
                let outer = self.bound.len();
                exprs.iter().for_each(|expression| self.node(expression, is_top));
                self.bound.truncate(outer);
            }
            NodeKind::Bind { lhs, rhs } => self.bind(lhs, rhs, is_top),
            NodeKind::Lambda(definition) => {
                let is_own = !definition.thunk;
                self.traits.repeats |= is_own;
                self.analysis.may_take_long = true;
                self.analysis.makes_functions |= is_own && self.functions > 0;
                let outer = self.bound.len();
                self.bound.extend(definition.params.iter().cloned());
                self.functions += usize::from(is_own);
                self.node(&definition.body, is_top);
                self.functions -= usize::from(is_own);
                self.bound.truncate(outer);
            }
            NodeKind::Transform(definition) => {
                self.traits.builds = true;
                self.analysis.may_take_long = true;
                self.analysis.makes_functions |= self.functions > 0;
                self.node(&definition.pattern, false);
                self.node(&definition.update, false);
                definition.delete.iter().for_each(|delete| self.node(delete, false));
            }
            NodeKind::Binary { op: BinaryOp::Range, lhs, rhs } => {
                self.analysis.may_take_long = true;
                self.node(lhs, is_top);
                self.node(rhs, is_top);
            }
            NodeKind::Regex { .. } => self.analysis.may_take_long = true,
            NodeKind::Sort { terms } => {
                self.analysis.may_take_long = true;
                terms.iter().for_each(|term| self.node(&term.expr, false));
            }
            NodeKind::Function { procedure, args } => self.call(procedure, args, 0, is_top),
            NodeKind::Apply { lhs, rhs } => {
                self.node(lhs, is_top);
                match &rhs.kind {
                    // What is on the left is the first argument.
                    NodeKind::Function { procedure, args } => {
                        self.call(procedure, args, 1, is_top);
                        self.attributes(rhs);
                    }
                    _ => {
                        self.analysis.makes_functions |= self.functions > 0;
                        self.node(rhs, is_top);
                    }
                }
            }
            NodeKind::Partial { .. } => {
                self.analysis.makes_functions |= self.functions > 0;
                node_children(node, |child| self.node(child, is_top));
            }
            NodeKind::Object { .. } => {
                self.traits.builds = true;
                node_children(node, |child| self.node(child, is_top));
            }
            NodeKind::Binary { op: op @ (BinaryOp::Eq | BinaryOp::Ne), lhs, rhs } => {
                if !is_scalar(lhs) && !is_scalar(rhs) {
                    let comparison = Comparison {
                        left: lhs.span,
                        right: rhs.span,
                        is_negated: *op == BinaryOp::Ne,
                    };
                    self.analysis.comparisons.push(comparison);
                }
                self.node(lhs, is_top);
                self.node(rhs, is_top);
            }
            _ => node_children(node, |child| self.node(child, is_top)),
        }
    }

    fn path(&mut self, steps: &[Node], is_top: bool) {
        let outer = self.bound.len();
        for (at, step) in steps.iter().enumerate() {
            match &step.kind {
                NodeKind::Variable { name } if at == 0 => {
                    self.variable(name, is_top, step.span, steps.get(1));
                    self.attributes(step);
                }
                _ => self.node(step, is_top && at == 0),
            }
            // What a step binds is known to the steps behind it.
            self.bound.extend(step.attrs.focus.iter().chain(&step.attrs.index).cloned());
            for stage in &step.attrs.stages {
                if let Stage::Index { var, .. } = stage {
                    self.bound.push(var.clone());
                }
            }
        }
        self.bound.truncate(outer);
    }

    fn variable(&mut self, name: &str, is_top: bool, place: Span, next: Option<&Node>) {
        // In a step or a filter, every value that the step gets is held against it.
        let is_repeated = !is_top && !name.is_empty();
        self.analysis.may_take_long |=
            is_repeated || functions::is_function(name) && !functions::is_quick(name);
        match name {
            "" if is_top => self.refuse_top_level("$"),
            "" => {}
            "$" => self.refuse(ExpressionError::Unsupported(
                "Reference to '$$' is not supported.".to_owned(),
            )),
            _ if self.bound.iter().any(|bound| bound == name) => {}
            "states" => {
                let states = &mut self.analysis.states;
                match next.map(|next| &next.kind) {
                    Some(NodeKind::Name { name }) => {
                        self.analysis.states_places.push(place);
                        match name.as_str() {
                            "input" => states.input = true,
                            "result" => states.result = true,
                            "errorOutput" => states.error_output = true,
                            "context" => states.context = true,
                            _ => {
                                self.analysis.unknown_states_members.insert(name.clone());
                            }
                        }
                    }
                    _ => {
                        self.analysis.uses_states_whole = true;
                        *states = StatesReferences {
                            input: true,
                            result: true,
                            error_output: true,
                            context: true,
                        };
                    }
                }
            }
            _ if functions::is_function(name) => {
                self.traits.builds |= matches!(name, "merge" | "spread" | "zip" | "each" | "sift");
                self.analysis.functions.insert(name.to_owned());
            }
            _ => {
                self.analysis.variables.insert(name.to_owned());
            }
        }
    }

    fn bind(&mut self, variable: &Node, value: &Node, is_top: bool) {
        self.traits.repeats = true;
        self.analysis.may_take_long = true;
        let name = match &variable.kind {
            NodeKind::Variable { name } => Some(name.clone()),
            _ => None,
        };
        // A function may call itself by the name it is bound to.
        let is_function = matches!(value.kind, NodeKind::Lambda(_));
        if is_function {
            self.bound.extend(name.clone());
        }
        self.node(value, is_top);
        if !is_function {
            self.bound.extend(name);
        }
    }

    fn call(&mut self, procedure: &Node, arguments: &[Node], given: usize, is_top: bool) {
        if is_top {
            let needed = match &procedure.kind {
                NodeKind::Variable { name } if functions::is_function(name) => {
                    context_functions().get(name.as_str()).copied().unwrap_or(0)
                }
                // Whatever function it is, it may take the context if it is given nothing.
                _ => 1,
            };
            let is_lambda = matches!(procedure.kind, NodeKind::Lambda(_));
            self.analysis.takes_context |= !is_lambda && arguments.len() + given < needed;
        }
        match &procedure.kind {
            // Its own name is no value that is repeated.
            NodeKind::Variable { name } if functions::is_function(name) => {
                self.variable(name, true, procedure.span, None);
            }
            _ => self.node(procedure, is_top),
        }
        arguments.iter().for_each(|argument| self.node(argument, is_top));
    }
}

/// Whether a node never gives an array or object.
fn is_scalar(node: &Node) -> bool {
    match &node.kind {
        NodeKind::String { .. }
        | NodeKind::Number { .. }
        | NodeKind::Bool { .. }
        | NodeKind::Null
        | NodeKind::Negate { .. }
        | NodeKind::Binary { .. } => node.attrs.group.is_none(),
        _ => false,
    }
}

/// The parts of a node that are evaluated in its own context: no filters, no grouping.
fn node_children<'a>(node: &'a Node, mut visit: impl FnMut(&'a Node)) {
    match &node.kind {
        NodeKind::Binary { lhs, rhs, .. } => {
            visit(lhs);
            visit(rhs);
        }
        NodeKind::Negate { expr } => visit(expr),
        NodeKind::Array { items } => items.iter().for_each(visit),
        NodeKind::Object { pairs } => pairs.iter().for_each(|(key, value)| {
            visit(key);
            visit(value);
        }),
        NodeKind::Condition { condition, then, otherwise } => {
            visit(condition);
            visit(then);
            otherwise.iter().for_each(|otherwise| visit(otherwise));
        }
        NodeKind::Partial { procedure, args } => {
            visit(procedure);
            args.iter().for_each(visit);
        }
        _ => {}
    }
}
