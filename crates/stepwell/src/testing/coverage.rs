//! Which states and ways the cases of a state machine took, and which none did.

use std::collections::BTreeSet;

use asl::{Program, StateIndex, StateKind};
use engine::{Branch, Event, EventKind};

/// What was reached.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    states: BTreeSet<StateIndex>,
    ways: BTreeSet<Way>,
}

/// A way that an execution may take out of a state, or back into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Choice { state: StateIndex, rule: Option<u32> },
    Retry { state: StateIndex, retrier: u32 },
    Catch { state: StateIndex, catcher: u32 },
}

/// How much was reached, and the names of what was not.
pub(crate) struct Reached {
    pub(crate) states: usize,
    pub(crate) states_total: usize,
    pub(crate) ways: usize,
    pub(crate) ways_total: usize,
    pub(crate) missed: Vec<String>,
}

impl Coverage {
    /// Notes what an execution did.
    pub(crate) fn add(&mut self, events: &[Event], branches: &[Branch]) {
        for event in events {
            match event.kind {
                EventKind::StateEntered { state, .. } => {
                    self.states.insert(state);
                }
                EventKind::RetryScheduled { state, retrier, .. } => {
                    self.ways.insert(Way::Retry { state, retrier });
                }
                _ => {}
            }
        }
        self.ways.extend(branches.iter().map(|branch| match *branch {
            Branch::Choice { state, rule } => Way::Choice { state, rule },
            Branch::Catch { state, catcher } => Way::Catch { state, catcher },
        }));
    }

    /// Holds it against all there is.
    pub(crate) fn of(&self, program: &Program) -> Reached {
        let ways = all_ways(program);
        let states = (0..program.states.len()).filter_map(|index| u32::try_from(index).ok());
        let mut missed: Vec<String> = states
            .map(StateIndex)
            .filter(|state| !self.states.contains(state))
            .map(|state| format!("state {}", program.state(state).name))
            .collect();
        // Ways out of a state that was never reached go without saying.
        let is_worth_saying =
            |way: &&Way| !self.ways.contains(*way) && self.states.contains(&way.state());
        missed.extend(ways.iter().filter(is_worth_saying).map(|way| way.name(program)));
        Reached {
            states: self.states.len(),
            states_total: program.states.len(),
            ways: ways.iter().filter(|way| self.ways.contains(way)).count(),
            ways_total: ways.len(),
            missed,
        }
    }
}

fn all_ways(program: &Program) -> Vec<Way> {
    let mut ways = Vec::new();
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    for (index, state) in program.states.iter().enumerate() {
        let at = StateIndex(number(index));
        if let StateKind::Choice { rules, default } = &state.kind {
            let all = (0..rules.len()).map(|rule| Some(number(rule)));
            let default = default.is_some().then_some(None);
            ways.extend(all.chain(default).map(|rule| Way::Choice { state: at, rule }));
        }
        let retriers = state.retry.iter().enumerate().filter(|(_, held)| held.max_attempts > 0);
        ways.extend(retriers.map(|(held, _)| Way::Retry { state: at, retrier: number(held) }));
        let catchers = 0..state.catch.len();
        ways.extend(catchers.map(|held| Way::Catch { state: at, catcher: number(held) }));
    }
    ways
}

impl Way {
    fn state(&self) -> StateIndex {
        match *self {
            Way::Choice { state, .. } | Way::Retry { state, .. } | Way::Catch { state, .. } => {
                state
            }
        }
    }

    fn name(&self, program: &Program) -> String {
        let state = program.state(self.state());
        let name = |index: StateIndex| &program.state(index).name;
        match *self {
            Way::Choice { rule: None, .. } => match &state.kind {
                StateKind::Choice { default: Some(default), .. } => {
                    format!("{}: Default to {}", state.name, name(*default))
                }
                _ => format!("{}: Default", state.name),
            },
            Way::Choice { rule: Some(rule), .. } => match &state.kind {
                StateKind::Choice { rules, .. } => {
                    let next = rules.get(rule as usize).map(|held| name(held.next));
                    let next = next.map_or("", |next| next);
                    format!("{}: Choices[{rule}] to {next}", state.name)
                }
                _ => format!("{}: Choices[{rule}]", state.name),
            },
            Way::Retry { retrier, .. } => {
                let errors = state.retry[retrier as usize].error_equals.join(", ");
                format!("{}: Retry[{retrier}] of {errors}", state.name)
            }
            Way::Catch { catcher, .. } => {
                let held = &state.catch[catcher as usize];
                let errors = held.error_equals.join(", ");
                format!("{}: Catch[{catcher}] of {errors} to {}", state.name, name(held.next))
            }
        }
    }
}
