//! Routes: the states that lead to an end, and how each must be left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use asl::{Catcher, Program, ScopeIndex, State, StateIndex, StateKind, Template};

/// How a state is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// By its `Next`.
    Next,
    /// It ends its scope; a Fail state with its error.
    End,
    /// By the Choice rule at this place.
    Rule(usize),
    /// By the `Default` of a Choice.
    Default,
    /// By the catcher at this place.
    Caught(usize),
    /// It fails, and something around it has to do with that.
    Failed,
    /// Not yet: what counts is in this branch or in its processor.
    Inside(ScopeIndex),
}

/// A state on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leg {
    pub(crate) state: StateIndex,
    pub(crate) exit: Exit,
}

/// A way to an end, and the tasks that must fail on it, with what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    pub(crate) legs: Vec<Leg>,
    pub(crate) fails: BTreeMap<StateIndex, String>,
}

/// How many ways to one end are tried.
const ROUTES_MAX: usize = 24;
/// How many ways are begun while looking for them.
const EXPANSIONS_MAX: usize = 20_000;
/// The error that no definition names.
const OTHER_ERROR: &str = "Explored";

/// The states that end a scope, in order.
pub(crate) fn ends(program: &Program) -> Vec<StateIndex> {
    let indexes = (0..program.states.len())
        .map(|at| StateIndex(u32::try_from(at).expect("a definition of 1 MB has fewer states")));
    indexes.filter(|index| is_end(program.state(*index))).collect()
}

fn is_end(state: &State) -> bool {
    match state.kind {
        StateKind::Choice { .. } => false,
        _ => state.next.is_none(),
    }
}

/// The containers around a state, the outermost first, each with the scope that leads on.
pub(crate) fn containers(program: &Program, state: StateIndex) -> Vec<(StateIndex, ScopeIndex)> {
    let mut around = Vec::new();
    let mut scope = program.state(state).scope;
    while let Some(container) = program.scope(scope).container {
        around.push((container, scope));
        scope = program.state(container).scope;
    }
    around.reverse();
    around
}

/// Ways to an end, the simplest first.
pub(crate) fn routes(program: &Program, end: StateIndex) -> Vec<Route> {
    let mut found = vec![Route::default()];
    let around = containers(program, end);
    let targets = around
        .iter()
        .map(|(container, scope)| Leg { state: *container, exit: Exit::Inside(*scope) })
        .chain([Leg { state: end, exit: Exit::End }]);
    for target in targets {
        let inner = ways(program, target);
        let mut longer: Vec<Route> = Vec::new();
        // The simplest with the simplest first.
        for total in 0..found.len() + inner.len() {
            for (at, outer) in found.iter().enumerate().take(total + 1) {
                if let Some(inner) = inner.get(total - at) {
                    longer.push(outer.followed_by(inner));
                }
            }
        }
        longer.truncate(ROUTES_MAX);
        found = longer;
    }
    found
}

impl Route {
    fn followed_by(&self, other: &Route) -> Route {
        let mut route = self.clone();
        route.legs.extend(other.legs.iter().copied());
        route.fails.extend(other.fails.iter().map(|(state, error)| (*state, error.clone())));
        route
    }
}

/// Ways within the scope of a state from its start to the state.
fn ways(program: &Program, target: Leg) -> Vec<Route> {
    let scope = program.scope(program.state(target.state).scope);
    let mut found = Vec::new();
    // (cost, order of arrival, legs so far, state)
    let mut pending = BinaryHeap::new();
    pending.push(Reverse((0_usize, 0_usize, Vec::<Leg>::new(), scope.start_at)));
    let mut arrivals = 1;
    while let Some(Reverse((cost, _, legs, at))) = pending.pop() {
        if found.len() >= ROUTES_MAX || arrivals > EXPANSIONS_MAX {
            break;
        }
        if at == target.state {
            let mut legs = legs.clone();
            legs.push(target);
            found.extend(with_failures(program, &legs));
            continue;
        }
        for (exit, next) in exits(program.state(at)) {
            if next == at || legs.iter().any(|leg| leg.state == next) {
                continue;
            }
            let mut longer = legs.clone();
            longer.push(Leg { state: at, exit });
            let dearer = if matches!(exit, Exit::Caught(_)) { 4 } else { 1 };
            pending.push(Reverse((cost + dearer, arrivals, longer, next)));
            arrivals += 1;
        }
    }
    found.truncate(ROUTES_MAX);
    found
}

/// Where a state leads.
fn exits(state: &State) -> Vec<(Exit, StateIndex)> {
    let mut exits: Vec<(Exit, StateIndex)> = Vec::new();
    if let StateKind::Choice { rules, default } = &state.kind {
        exits.extend(rules.iter().enumerate().map(|(at, rule)| (Exit::Rule(at), rule.next)));
        exits.extend(default.map(|next| (Exit::Default, next)));
    }
    exits.extend(state.next.map(|next| (Exit::Next, next)));
    let catchers = state.catch.iter().enumerate();
    exits.extend(catchers.map(|(at, catcher)| (Exit::Caught(at), catcher.next)));
    exits
}

/// The ways in which the failures that a list of legs needs can come about.
fn with_failures(program: &Program, legs: &[Leg]) -> Vec<Route> {
    let mut routes = vec![Route::default()];
    for leg in legs {
        let ways = match leg.exit {
            Exit::Caught(catcher) => failures(program, leg.state, catcher),
            _ => vec![Route { legs: vec![*leg], ..Route::default() }],
        };
        let longer = routes.iter().flat_map(|route| ways.iter().map(|way| route.followed_by(way)));
        routes = longer.take(ROUTES_MAX).collect();
    }
    routes
}

/// The ways in which a state can fail so that its catcher at a place takes it.
fn failures(program: &Program, index: StateIndex, catcher: usize) -> Vec<Route> {
    let state = program.state(index);
    let caught = Leg { state: index, exit: Exit::Caught(catcher) };
    let errors = state.catch[catcher].error_equals.iter().map(|name| raised_as(name));
    let fitting = errors.filter(|error| taken_by(state, error) == Some(catcher));
    match &state.kind {
        StateKind::Task(_) => fitting
            .map(|error| Route {
                legs: vec![caught],
                fails: BTreeMap::from([(index, error.to_owned())]),
            })
            .collect(),
        StateKind::Parallel { branches } => {
            let errors: Vec<&str> = fitting.collect();
            let scopes = branches.iter();
            scopes.flat_map(|scope| inner_failures(program, caught, *scope, &errors)).collect()
        }
        StateKind::Map(map) => {
            inner_failures(program, caught, map.processor, &fitting.collect::<Vec<_>>())
        }
        _ => Vec::new(),
    }
}

/// The error that a name in `ErrorEquals` is tried with.
fn raised_as(name: &str) -> &str {
    match name {
        "States.ALL" | "States.TaskFailed" | "States.BranchFailed" => OTHER_ERROR,
        name => name,
    }
}

/// Which of a state's catchers takes an error.
fn taken_by(state: &State, error: &str) -> Option<usize> {
    state.catch.iter().position(|catcher| takes(state, catcher, error))
}

fn takes(state: &State, catcher: &Catcher, error: &str) -> bool {
    catcher.error_equals.iter().any(|name| match &**name {
        "States.ALL" => true,
        "States.TaskFailed" => error != "States.Timeout" && error != "States.DataLimitExceeded",
        "States.BranchFailed" => matches!(state.kind, StateKind::Parallel { .. }),
        "States.Timeout" => matches!(error, "States.Timeout" | "States.HeartbeatTimeout"),
        name => name == error,
    })
}

/// The ways in which a branch or iteration can fail with one of some errors.
fn inner_failures(
    program: &Program,
    caught: Leg,
    scope: ScopeIndex,
    errors: &[&str],
) -> Vec<Route> {
    let catcher = match caught.exit {
        Exit::Caught(catcher) => catcher,
        _ => return Vec::new(),
    };
    let container = program.state(caught.state);
    let mut found = Vec::new();
    for (at, state) in program.states.iter().enumerate() {
        if state.scope != scope {
            continue;
        }
        let index = StateIndex(u32::try_from(at).expect("a definition of 1 MB has fewer states"));
        let mut ends: Vec<(Leg, Option<String>)> = Vec::new();
        match &state.kind {
            StateKind::Fail { error, .. } => {
                let name = match error {
                    None => Some(None),
                    Some(Template::Literal(payload)) => {
                        payload.value().as_str().map(|name| Some(name.to_owned()))
                    }
                    // It depends on the data which one it is.
                    Some(_) => None,
                };
                let fits = name.is_none_or(|name| {
                    taken_by(container, name.as_deref().unwrap_or_default()) == Some(catcher)
                });
                if fits {
                    ends.push((Leg { state: index, exit: Exit::End }, None));
                }
            }
            StateKind::Task(_) => {
                let uncaught = errors.iter().filter(|error| taken_by(state, error).is_none());
                ends.extend(uncaught.map(|error| {
                    (Leg { state: index, exit: Exit::Failed }, Some((*error).to_owned()))
                }));
            }
            _ => {}
        }
        for (end, error) in ends {
            for way in ways(program, end) {
                let inside = Leg { state: caught.state, exit: Exit::Inside(scope) };
                let mut route = Route { legs: vec![inside], ..Route::default() }.followed_by(&way);
                route.legs.push(caught);
                route.fails.extend(error.clone().map(|error| (end.state, error)));
                found.push(route);
            }
        }
    }
    found.sort_by_key(|route| route.legs.len());
    found.truncate(ROUTES_MAX);
    found
}
