//! The search for data that takes an execution along a route: run, look where it leaves the
//! route, change the data that decided it, run again.

use std::collections::{BTreeMap, BTreeSet};

use asl::{Program, StateIndex, StateKind};
use engine::Status;
use serde_json::{Value, json};

use crate::drive::{INPUT, Scenario, Trace, Visit, drive};
use crate::reads::{Read, origin, reads};
use crate::route::{Exit, Leg, Route};
use crate::shape::{Change, Located, Origin, Shape, World, without_marks};
use crate::wishes::{Wish, ways};

/// How many executions are run for one end.
const RUNS_MAX: usize = 6_000;
/// How many changes are made one after another on one route.
const CHANGES_MAX: usize = 80;
/// How many states beside the one on the route are looked at.
const OTHERS_MAX: usize = 8;

/// A machine with the text of its states.
pub(crate) struct Ground {
    pub(crate) program: Program,
    /// By state index: the state as it is written, and whether it is a JSONata state.
    pub(crate) states: Vec<(Value, bool)>,
    pub(crate) is_express: bool,
}

/// Data that takes an execution along a route.
pub(crate) struct Found {
    pub(crate) route: Route,
    pub(crate) world: World,
    pub(crate) trace: Trace,
}

/// Changes that are made together.
type Changes = Vec<(Origin, Change)>;

/// Looks for data for one of some routes; or says why the one that came nearest fails.
pub(crate) fn search(ground: &Ground, routes: &[Route]) -> Result<Found, String> {
    let mut search = Search { ground, runs: 0, known: BTreeMap::new() };
    let mut nearest: Option<(usize, String)> = None;
    for route in routes {
        match search.along(route) {
            Ok(found) => return Ok(found),
            Err((left, reason)) => {
                if nearest.as_ref().is_none_or(|(nearest, _)| left < *nearest) {
                    nearest = Some((left, reason));
                }
            }
        }
        if search.runs > RUNS_MAX {
            break;
        }
    }
    Err(nearest.map_or_else(|| "no failure leads here".to_owned(), |(_, reason)| reason))
}

struct Search<'g> {
    ground: &'g Ground,
    runs: usize,
    /// Where values came from while they still told it.
    known: BTreeMap<(StateIndex, String), Origin>,
}

/// An attempt: the data, what became of it, how many legs of the route it took.
struct Attempt {
    world: World,
    trace: Trace,
    matched: usize,
}

impl Search<'_> {
    /// Takes a route; the error is how many legs were left, and why.
    fn along(&mut self, route: &Route) -> Result<Found, (usize, String)> {
        let mut seen = BTreeSet::new();
        let mut best = self.attempt(route, World::default());
        seen.insert(self.signature(route, &best));
        for _ in 0..CHANGES_MAX {
            if best.matched == route.legs.len() {
                return self.verified(route, best);
            }
            let mut next = None;
            for changes in self.candidates(route, &best) {
                if self.runs > RUNS_MAX {
                    break;
                }
                let mut world = best.world.clone();
                changes.iter().for_each(|(origin, change)| world.change(origin, change));
                if world == best.world {
                    continue;
                }
                let attempt = self.attempt(route, world);
                let is_new = seen.insert(self.signature(route, &attempt));
                if attempt.matched > best.matched || attempt.matched == best.matched && is_new {
                    next = Some(attempt);
                    break;
                }
            }
            match next {
                Some(attempt) => best = attempt,
                None => break,
            }
        }
        Err((route.legs.len() - best.matched, self.reason(route, &best)))
    }

    fn attempt(&mut self, route: &Route, world: World) -> Attempt {
        self.runs += 1;
        let trace = self.run(route, &world, true);
        let matched = matched(&self.ground.program, &route.legs, &trace);
        Attempt { world, trace, matched }
    }

    fn run(&self, route: &Route, world: &World, marked: bool) -> Trace {
        drive(&Scenario {
            program: &self.ground.program,
            world,
            fails: &route.fails,
            marked,
            is_express: self.ground.is_express,
        })
    }

    /// The same without what pieces of data tell about themselves.
    fn verified(&self, route: &Route, found: Attempt) -> Result<Found, (usize, String)> {
        let trace = self.run(route, &found.world, false);
        let matched = matched(&self.ground.program, &route.legs, &trace);
        if matched == route.legs.len() {
            return Ok(Found { route: route.clone(), world: found.world, trace });
        }
        let attempt = Attempt { trace, matched, ..found };
        Err((route.legs.len() - matched, self.reason(route, &attempt)))
    }

    /// What an attempt has in common with others that are no better.
    fn signature(&self, route: &Route, attempt: &Attempt) -> String {
        let trace = &attempt.trace;
        let failed = trace.failed_in.map(|visit| trace.visits[visit].state);
        let cause = without_marks(trace.cause.as_deref().unwrap_or_default());
        let cause: String = cause.chars().take(300).collect();
        let exits: Vec<_> = trace.visits.iter().map(|visit| (visit.state, visit.left)).collect();
        let exits = if exits.len() > 60 { &exits[exits.len() - 60..] } else { &exits[..] };
        let leg = route.legs.get(attempt.matched);
        format!("{leg:?} {failed:?} {:?} {cause} {exits:?}", trace.error)
    }

    /// Why an attempt does not go on along the route.
    fn reason(&self, route: &Route, attempt: &Attempt) -> String {
        let name = |state: StateIndex| self.ground.program.state(state).name.to_string();
        let leg = route.legs.get(attempt.matched);
        let is_left = leg.is_some_and(|leg| {
            attempt
                .trace
                .visits
                .iter()
                .any(|visit| visit.state == leg.state && visit.left.is_some())
        });
        if !is_left
            && let (Some(visit), Some(error)) = (attempt.trace.failed_in, &attempt.trace.error)
        {
            let cause = without_marks(attempt.trace.cause.as_deref().unwrap_or_default());
            let cause =
                cause.split_once(") . ").or(cause.split_once("). ")).map_or(&*cause, |c| c.1);
            let cause: String = cause.chars().take(200).collect();
            return format!("{} fails: {error}: {cause}", name(attempt.trace.visits[visit].state));
        }
        match leg {
            Some(Leg { state, exit: Exit::Rule(rule) }) => {
                format!("no data was found for which Choices[{rule}] of {} matches", name(*state))
            }
            Some(Leg { state, exit: Exit::Default }) => {
                format!("no data was found for which {} goes on by its Default", name(*state))
            }
            Some(leg) => format!("{} is not left as it should be", name(leg.state)),
            None => "it only works with data that is marked".to_owned(),
        }
    }

    /// Changes that may bring the execution further along the route, the likeliest first.
    fn candidates(&mut self, route: &Route, attempt: &Attempt) -> Vec<Changes> {
        let trace = &attempt.trace;
        let leg = route.legs.get(attempt.matched).copied();
        let mut places: Vec<usize> = trace.failed_in.into_iter().collect();
        let on_route = leg.and_then(|leg| trace.visits.iter().rposition(|v| v.state == leg.state));
        places.extend(on_route);
        let is_choice = |visit: &Visit| {
            matches!(self.ground.program.state(visit.state).kind, StateKind::Choice { .. })
        };
        let mut others = BTreeSet::new();
        for (at, visit) in trace.visits.iter().enumerate().rev() {
            if others.len() < OTHERS_MAX && is_choice(visit) && others.insert(visit.state) {
                places.push(at);
            }
        }
        let input = attempt.world.value(INPUT, true);
        let mut candidates: Vec<Changes> = Vec::new();
        let mut done = BTreeSet::new();
        for at in places {
            if done.insert(at) {
                self.fixes(&trace.visits[at], leg, &input, &mut candidates);
            }
        }
        // At last, another kind of value for anything that the first place reads.
        if let Some(at) = trace.failed_in.or(on_route) {
            self.alternatives(&trace.visits[at], &input, &mut candidates);
        }
        candidates.retain(|changes| !changes.is_empty());
        candidates
    }

    /// Where the value of a read came from in a visit, or in an earlier one.
    fn origin(&mut self, visit: &Visit, read: &Read, input: &Value) -> Option<Origin> {
        let (state, _) = &self.ground.states[visit.state.0 as usize];
        let key = (visit.state, format!("{:?}{:?}", read.root, read.keys));
        match origin(read.located(visit, state, input)) {
            Some(origin) => {
                self.known.insert(key, origin.clone());
                Some(origin)
            }
            None => self.known.get(&key).cloned(),
        }
    }

    fn fixes(
        &mut self,
        visit: &Visit,
        leg: Option<Leg>,
        input: &Value,
        candidates: &mut Vec<Changes>,
    ) {
        let (state, is_jsonata) = &self.ground.states[visit.state.0 as usize];
        let all = reads(state, *is_jsonata);
        let mut provided = Changes::new();
        let mut suited = Changes::new();
        for read in &all {
            let located = read.located(visit, state, input);
            let hint = read.hint.clone();
            if let Located::Missing(origin) = &located {
                let shape = hint.clone().unwrap_or(Shape::Free);
                provided.push((origin.clone(), Change::Provide(shape)));
            }
            if let (Some(origin), Some(shape)) = (self.origin(visit, read, input), hint) {
                suited.push((origin, Change::Set(shape)));
            }
        }
        candidates.push(provided.clone());
        candidates.push(suited);
        let StateKind::Choice { rules, default } = &self.ground.program.state(visit.state).kind
        else {
            return;
        };
        let wanted = leg.filter(|leg| leg.state == visit.state).map(|leg| leg.exit);
        let exits: Vec<Exit> = match wanted {
            Some(exit) => vec![exit],
            None => {
                (0..rules.len()).map(Exit::Rule).chain(default.map(|_| Exit::Default)).collect()
            }
        };
        let texts = state["Choices"].as_array().map_or(&[][..], Vec::as_slice);
        for exit in exits {
            for wishes in exit_ways(texts, exit) {
                // What the other rules read must be there as well.
                let mut changes = provided.clone();
                for (read, change) in wishes {
                    if let Some(origin) = self.origin(visit, &read, input) {
                        changes.push((origin, change));
                    }
                }
                candidates.push(changes);
            }
        }
    }

    fn alternatives(&mut self, visit: &Visit, input: &Value, candidates: &mut Vec<Changes>) {
        let (state, is_jsonata) = &self.ground.states[visit.state.0 as usize];
        let reads = reads(state, *is_jsonata);
        let mut origins: Vec<Origin> =
            reads.iter().filter_map(|read| self.origin(visit, read, input)).collect();
        origins.sort();
        origins.dedup();
        let shapes = [
            Shape::Value(json!(1)),
            Shape::array(),
            Shape::Array(vec![Shape::Free; 3]),
            Shape::object(),
            Shape::text(),
            Shape::Value(json!(true)),
            Shape::Value(json!("2000-01-01T00:00:00Z")),
            Shape::Value(json!(0)),
            Shape::Value(Value::Null),
            Shape::Free,
        ];
        for shape in &shapes {
            let changes = origins.iter().map(|o| (o.clone(), Change::Set(shape.clone())));
            candidates.push(changes.collect());
        }
        for origin in origins {
            for shape in &shapes {
                candidates.push(vec![(origin.clone(), Change::Set(shape.clone()))]);
            }
        }
    }
}

/// Ways to make a Choice leave by one of its exits.
fn exit_ways(rules: &[Value], exit: Exit) -> Vec<Vec<Wish>> {
    let (own, before) = match exit {
        Exit::Rule(at) => (rules.get(at), rules.get(..at).unwrap_or_default()),
        _ => (None, rules),
    };
    let own: Vec<Vec<Wish>> = own.map_or_else(|| vec![Vec::new()], |rule| ways(rule, true));
    let mut all = Vec::new();
    if !before.is_empty() {
        // None of the earlier ones, each in its first way, then with one in another way.
        let ways: Vec<Vec<Vec<Wish>>> = before.iter().map(|rule| ways(rule, false)).collect();
        let first: Vec<Wish> =
            ways.iter().filter_map(|ways| ways.first()).flatten().cloned().collect();
        all.extend(own.iter().map(|own| first.iter().chain(own).cloned().collect()));
        // Where they want different things of the same data, an earlier one may be harder.
        let reversed: Vec<Wish> =
            ways.iter().rev().filter_map(|ways| ways.first()).flatten().cloned().collect();
        all.extend(own.iter().map(|own| reversed.iter().chain(own).cloned().collect()));
        for other in ways.iter().flat_map(|ways| ways.iter().skip(1)) {
            all.extend(
                own.iter().take(4).map(|own| {
                    first.iter().chain(other).chain(own).cloned().collect::<Vec<Wish>>()
                }),
            );
        }
    }
    // The least that may be enough comes first.
    let mut ways = own;
    ways.extend(all);
    ways
}

/// How many legs of a route an execution took.
fn matched(program: &Program, legs: &[Leg], trace: &Trace) -> usize {
    let mut entered: BTreeMap<StateIndex, usize> = BTreeMap::new();
    let mut from = 0;
    for (taken, leg) in legs.iter().enumerate() {
        let earliest = match entered.get(&leg.state) {
            Some(at) => *at,
            None => from,
        };
        let visits = trace.visits.iter().enumerate().skip(earliest);
        let at = visits
            .filter(|(_, visit)| visit.state == leg.state && is_left(program, visit, leg.exit))
            .map(|(at, _)| at)
            .next();
        let Some(at) = at else { return taken };
        if matches!(leg.exit, Exit::Inside(_)) {
            entered.insert(leg.state, at);
        }
        from = from.max(at + 1);
    }
    // A failure that nothing takes is the end; everything else must have come to one.
    match trace.status {
        Some(Status::Running) if trace.visits.len() < 2 => 0,
        _ => legs.len(),
    }
}

/// Whether a state was left by an exit.
fn is_left(program: &Program, visit: &Visit, exit: Exit) -> bool {
    let state = program.state(visit.state);
    let to = |next: StateIndex| visit.left == Some(Some(next));
    match exit {
        Exit::Inside(_) => true,
        Exit::End if matches!(state.kind, StateKind::Fail { .. }) => true,
        Exit::End => visit.left == Some(None),
        Exit::Next => !visit.has_failed && state.next.is_some_and(to),
        Exit::Caught(at) => visit.has_failed && to(state.catch[at].next),
        Exit::Failed => visit.has_failed && visit.left.is_none(),
        Exit::Rule(_) | Exit::Default => match (&state.kind, exit) {
            (StateKind::Choice { rules, .. }, Exit::Rule(at)) => to(rules[at].next),
            (StateKind::Choice { default, .. }, _) => default.is_some_and(to),
            _ => false,
        },
    }
}
