//! Comparisons of a path of names with a constant, joined by `and` and `or`: most conditions of
//! Choice rules are nothing else, and need no evaluator.

use jlens_core::ast::BinaryOp;
use jlens_core::{Node, NodeKind};
use serde_json::Value;

use super::{Followed, Names, arithmetic, is_plain, names_of};
use crate::Environment;

/// A condition that may be decided without the evaluator.
#[derive(Debug)]
pub(super) enum Condition {
    Compare(Names, Comparison, Constant),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
pub(super) enum Constant {
    Null,
    Bool(bool),
    Number(f64),
    String(Box<str>),
}

impl Condition {
    /// The condition that a node is, if it is one of these.
    pub(super) fn of(node: &Node) -> Option<Condition> {
        if !is_plain(node) {
            return None;
        }
        match &node.kind {
            NodeKind::Block { exprs, .. } => match exprs.as_slice() {
                [only] => Condition::of(only),
                _ => None,
            },
            NodeKind::Binary { op: BinaryOp::And, lhs, rhs } => {
                Some(Condition::And(Condition::of(lhs)?.into(), Condition::of(rhs)?.into()))
            }
            NodeKind::Binary { op: BinaryOp::Or, lhs, rhs } => {
                Some(Condition::Or(Condition::of(lhs)?.into(), Condition::of(rhs)?.into()))
            }
            NodeKind::Binary { op, lhs, rhs } if !arithmetic(*op) => {
                let comparison = match op {
                    BinaryOp::Eq => Comparison::Equal,
                    BinaryOp::Ne => Comparison::NotEqual,
                    BinaryOp::Lt => Comparison::Less,
                    BinaryOp::Le => Comparison::LessOrEqual,
                    BinaryOp::Gt => Comparison::Greater,
                    BinaryOp::Ge => Comparison::GreaterOrEqual,
                    _ => return None,
                };
                Some(Condition::Compare(names_of(lhs)?, comparison, Constant::of(rhs)?))
            }
            _ => None,
        }
    }

    /// Whether it holds; nothing where only the evaluator knows.
    pub(super) fn holds(&self, environment: &Environment<'_>) -> Option<bool> {
        match self {
            Condition::And(left, right) => {
                Some(left.holds(environment)? && right.holds(environment)?)
            }
            Condition::Or(left, right) => {
                Some(left.holds(environment)? || right.holds(environment)?)
            }
            Condition::Compare(names, comparison, constant) => {
                let value = match names.follow(environment) {
                    Followed::Value(value) => value,
                    // What is not there equals nothing, and differs from nothing.
                    Followed::Nothing => {
                        let is_equality =
                            matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                        return is_equality.then_some(false);
                    }
                    Followed::Array => return None,
                };
                match comparison {
                    Comparison::Equal => Some(constant.is(value)),
                    Comparison::NotEqual => Some(!constant.is(value)),
                    ordering => {
                        let (Value::Number(value), Constant::Number(constant)) = (value, constant)
                        else {
                            return None;
                        };
                        let value = value.as_f64()?;
                        Some(match ordering {
                            Comparison::Less => value < *constant,
                            Comparison::LessOrEqual => value <= *constant,
                            Comparison::Greater => value > *constant,
                            _ => value >= *constant,
                        })
                    }
                }
            }
        }
    }
}

impl Constant {
    fn of(node: &Node) -> Option<Constant> {
        if !is_plain(node) {
            return None;
        }
        Some(match &node.kind {
            NodeKind::Null => Constant::Null,
            NodeKind::Bool { value } => Constant::Bool(*value),
            NodeKind::Number { value } => Constant::Number(*value),
            NodeKind::String { value } => Constant::String(value.as_str().into()),
            _ => return None,
        })
    }

    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Constant::Null, Value::Null) => true,
            (Constant::Bool(constant), Value::Bool(value)) => constant == value,
            (Constant::Number(constant), Value::Number(value)) => value.as_f64() == Some(*constant),
            (Constant::String(constant), Value::String(value)) => **constant == **value,
            _ => false,
        }
    }
}
