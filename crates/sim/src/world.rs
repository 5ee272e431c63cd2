//! A world for one node: a store that fails, tasks that misbehave, workers, clients, a clock that
//! jumps from event to event, and crashes. Everything follows from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use asl::{MachineType, Payload, Resource, Timestamp};
use engine::TaskFailure;
use runtime::node::{Answer, Input, Node, Output, ReplyId, Request, ResourceRequest, TaskReport};
use runtime::{
    Activity, NewStateMachine, RuntimeError, RuntimeOptions, Seeds, StartRequest, TaskCall, load,
};
use store::{ExecutionKey, MemoryStore, Outcome, Store, StoreError, Write};

use crate::checkers::{Checkers, Claim};
use crate::generate::{ACTIVITIES, generate_parent};
use crate::jobs::{Jobs, Next};
use crate::nested::{self, NestedCall, Step};
use crate::{Random, generate_definition, generate_input};

const MACHINE_PREFIX: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:machine";

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub executions: usize,
    pub succeeded: usize,
    /// Acknowledged redrives.
    pub redrives: usize,
    /// Executions that others started.
    pub children: usize,
    /// Executions that Map Runs started.
    pub map_run_children: usize,
    /// Redrives of Map Runs.
    pub map_run_redrives: usize,
    pub crashes: u32,
    pub store_faults: u32,
    pub task_faults: u32,
    pub events: u64,
    /// Virtual milliseconds.
    pub elapsed: i64,
}

/// Something that will happen.
enum Happening {
    /// Goes into the node. Lost when the process crashes.
    Input(Box<Input>),
    /// The store works on a batch.
    Commit(Vec<Write>),
    /// A read of the store.
    Read(Box<Output>),
    /// A client or worker acts. Survives crashes.
    Outside(Act),
    /// A call starts an execution. Lost when the process crashes.
    Nested(Box<NestedCall>),
}

/// What clients and workers do.
#[derive(Debug, Clone)]
enum Act {
    Start { machine: usize, name: String, input: String },
    Stop { arn: String },
    Redrive { arn: String, token: String },
    Poll { activity: usize },
    Report { token: String, ok: bool, value: u64 },
    Heartbeat { token: String },
}

/// Who waits for a reply, in the present process.
enum Waiting {
    Setup,
    Start { name: String, machine: usize, input: String },
    Stop,
    Redrive { arn: String, token: String },
    Poll { activity: usize },
    Report { token: String, ok: bool, value: u64 },
    Nested(Box<NestedCall>),
}

/// The world.
struct World {
    random: Random,
    store: Arc<MemoryStore>,
    node: Option<Node>,
    now: i64,
    /// What will happen, by moment and order of arrival.
    happenings: BTreeMap<(i64, u64), Happening>,
    arrivals: u64,
    tick: Option<(i64, u64)>,
    waiting: BTreeMap<ReplyId, Waiting>,
    replies: u64,
    machines: Vec<String>,
    checkers: Checkers,
    jobs: Jobs,
    /// Calls that wait for their submission to be recorded, in the present process.
    nested: BTreeMap<(u64, u32), NestedCall>,
    /// Whether things still go wrong.
    faulty: bool,
    is_setting_up: bool,
    summary: Summary,
}

/// Runs one seed. Panics, with the seed in the text, where a property does not hold.
pub fn run(seed: u64) -> Summary {
    let mut world = World::new(seed);
    world.set_up();
    world.plan_clients();
    world.live();
    world.finish()
}

impl World {
    fn new(seed: u64) -> World {
        World {
            random: Random::new(seed),
            store: Arc::new(MemoryStore::default()),
            node: None,
            now: 1_700_000_000_000,
            happenings: BTreeMap::new(),
            arrivals: 0,
            tick: None,
            waiting: BTreeMap::new(),
            replies: 0,
            machines: Vec::new(),
            checkers: Checkers::default(),
            jobs: Jobs::default(),
            nested: BTreeMap::new(),
            faulty: false,
            is_setting_up: true,
            summary: Summary::default(),
        }
    }

    /// Registers machines and activities while nothing goes wrong yet.
    fn set_up(&mut self) {
        self.boot();
        for (index, arn) in ACTIVITIES.iter().enumerate() {
            let activity = Activity {
                arn: (*arn).into(),
                name: format!("activity{index}").into(),
                creation_date: Timestamp(self.now),
                encryption_configuration: None,
            };
            let request = ResourceRequest::CreateActivity { activity, tags: Vec::new() };
            self.request(Waiting::Setup, Request::Resource(Box::new(request)));
        }
        for index in 0..=self.random.below(3) {
            // The first machine is the one that the others start.
            let definition = match index {
                0 => generate_definition(&self.random),
                _ => generate_parent(&self.random, &format!("{MACHINE_PREFIX}0")),
            };
            let text: Arc<str> = definition.to_string().into();
            let arn = format!("{MACHINE_PREFIX}{index}");
            let node = self.node.as_ref().expect("it was just booted");
            let definition = node
                .surroundings()
                .compile(&text, MachineType::Standard)
                .unwrap_or_else(|found| panic!("generated machines are valid: {found:?}\n{text}"));
            let new = NewStateMachine {
                arn: arn.as_str().into(),
                name: format!("machine{index}").into(),
                machine_type: MachineType::Standard,
                role_arn: "arn:aws:iam::123456789012:role/role".into(),
                definition: text,
                logging_configuration: None,
                tracing_configuration: None,
                encryption_configuration: None,
                tags: Vec::new(),
                publish: None,
            };
            let request = ResourceRequest::CreateMachine { new, definition };
            self.request(Waiting::Setup, Request::Resource(Box::new(request)));
            self.machines.push(arn);
        }
        while self.waiting.values().any(|waiting| matches!(waiting, Waiting::Setup)) {
            assert!(self.happen(), "registering ends");
        }
        self.is_setting_up = false;
        self.faulty = true;
    }

    /// Clients start executions over half an hour, some twice, and stop some; workers poll.
    fn plan_clients(&mut self) {
        let count = 1 + self.random.below(12);
        for number in 0..count {
            let act = Act::Start {
                machine: self.random.below(self.machines.len() as u64) as usize,
                name: format!("run{number}"),
                input: generate_input(&self.random).to_string(),
            };
            let at = self.now + self.random.below(1_800_000) as i64;
            if self.random.once_in(3) {
                let again = at + self.random.below(50) as i64;
                self.put(again, Happening::Outside(act.clone()));
            }
            if self.random.once_in(8) {
                let Act::Start { machine, name, .. } = &act else { unreachable!("it is a start") };
                let arn = execution_arn(*machine, name);
                let stop_at = at + self.random.below(2_000_000) as i64;
                self.put(stop_at, Happening::Outside(Act::Stop { arn }));
            }
            if self.random.once_in(2) {
                let Act::Start { machine, name, .. } = &act else { unreachable!("it is a start") };
                let arn = execution_arn(*machine, name);
                for number in 0..=self.random.below(3) {
                    let at = at + self.random.below(2_500_000) as i64;
                    let token = format!("redrive{number}");
                    self.put(at, Happening::Outside(Act::Redrive { arn: arn.clone(), token }));
                }
            }
            self.put(at, Happening::Outside(act));
        }
        for activity in 0..ACTIVITIES.len() {
            for _ in 0..2 {
                self.put(self.now, Happening::Outside(Act::Poll { activity }));
            }
        }
    }

    /// Lets the world run: first with faults, then without, until every execution is over.
    fn live(&mut self) {
        let faults_end = self.now + 3_600_000;
        let start = self.now;
        for _ in 0..2_000_000_u64 {
            if self.faulty && self.now >= faults_end {
                self.faulty = false;
            }
            if self.faulty && self.random.once_in(400) {
                self.crash();
            }
            let is_over = !self.faulty
                && self.checkers.all_ended(&self.store)
                && nested::all_ended(&self.store);
            if is_over || !self.happen() {
                break;
            }
        }
        self.summary.elapsed = self.now - start;
    }

    fn finish(mut self) -> Summary {
        self.checkers.check_end(&self.store, &mut self.summary);
        self.summary
    }

    fn boot(&mut self) {
        let seeds = Seeds::from_number(self.random.next());
        let options = RuntimeOptions {
            resident_executions_max: *self.random.choose(&[1, 3, 1_000]),
            activity_poll: std::time::Duration::from_secs(60),
            ..RuntimeOptions::default()
        };
        let secret = [7; 32];
        let node = Node::open(&*self.store, options, seeds, secret, Timestamp(self.now));
        self.node = Some(node.expect("a store in memory opens"));
        self.perform();
    }

    /// The process is killed and started again. What was on its way to or from it is lost; a
    /// batch that the store was working on may or may not have become durable.
    fn crash(&mut self) {
        self.summary.crashes += 1;
        self.node = None;
        self.tick = None;
        self.nested.clear();
        let happenings = std::mem::take(&mut self.happenings);
        for (place, happening) in happenings {
            match happening {
                Happening::Outside(_) => {
                    self.happenings.insert(place, happening);
                }
                Happening::Commit(writes) if self.random.once_in(2) => {
                    self.store.commit(&writes).expect("a store in memory commits");
                }
                _ => {}
            }
        }
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            self.lost(waiting);
        }
        self.now += self.random.below(20_000) as i64;
        self.boot();
    }

    /// A caller finds its connection broken, and tries again where a real one would.
    fn lost(&mut self, waiting: Waiting) {
        let act = match waiting {
            Waiting::Setup => unreachable!("nothing crashes while the world is set up"),
            Waiting::Start { name, machine, input } => Act::Start { name, machine, input },
            Waiting::Poll { activity } => Act::Poll { activity },
            Waiting::Report { token, ok, value } => {
                self.checkers.report_unknown(&token);
                Act::Report { token, ok, value }
            }
            Waiting::Redrive { arn, token } => Act::Redrive { arn, token },
            Waiting::Nested(_) | Waiting::Stop => return,
        };
        let at = self.now + self.random.below(5_000) as i64;
        self.put(at, Happening::Outside(act));
    }

    fn put(&mut self, at: i64, happening: Happening) -> (i64, u64) {
        self.arrivals += 1;
        let place = (at.max(self.now), self.arrivals);
        self.happenings.insert(place, happening);
        place
    }

    /// Something that takes up to `most` milliseconds.
    fn soon(&mut self, most: u64, happening: Happening) {
        let at = self.now + self.random.below(most) as i64;
        self.put(at, happening);
    }

    /// Lets the next thing happen. False if nothing is left.
    fn happen(&mut self) -> bool {
        let Some((place, happening)) = self.happenings.pop_first() else { return false };
        self.now = self.now.max(place.0);
        match happening {
            Happening::Input(input) => {
                if self.tick == Some(place) {
                    self.tick = None;
                }
                self.feed(*input);
            }
            Happening::Commit(writes) => self.commit(writes),
            Happening::Read(output) => self.read(*output),
            Happening::Outside(act) => self.act(act),
            Happening::Nested(call) => self.begin_nested(*call),
        }
        true
    }

    fn feed(&mut self, input: Input) {
        let now = Timestamp(self.now);
        self.node.as_mut().expect("a node runs").handle(input, now);
        self.perform();
    }

    /// Performs what the node wants, later or now.
    fn perform(&mut self) {
        let node = self.node.as_mut().expect("a node runs");
        for output in node.take_outputs() {
            match output {
                Output::Run(job) => {
                    let done = job.run();
                    self.soon(2, Happening::Input(Box::new(Input::Ran(done))));
                }
                Output::Commit(writes) => self.soon(20, Happening::Commit(writes)),
                Output::Dispatch { key, call } => self.dispatch(key, &call),
                // A call that nobody waits for may still answer.
                Output::CancelCall { .. } | Output::Publish(_) => {}
                Output::CancelJob { key, call } if NestedCall::of(key, &call).is_some() => {
                    // No child is there; none will be started for a task that is over.
                    self.checkers.claim(&self.store, key, call.dispatch.task, Claim::Over);
                }
                Output::CancelJob { key, call } | Output::CancelJobLeftBehind { key, call } => {
                    self.jobs.cancel(&self.checkers, &self.store, key, &call);
                    let task = call.dispatch.task;
                    let done = Input::JobCancelled { key, task };
                    // Else the process ends before that is known.
                    if !self.random.once_in(4) {
                        self.soon(2_000, Happening::Input(Box::new(done)));
                    }
                }
                Output::SubmissionRecorded { key, task }
                    if self.nested.contains_key(&(key.0, task.0)) =>
                {
                    let call = self.nested.remove(&(key.0, task.0)).expect("it was just seen");
                    let step = call.recorded(&self.store);
                    self.step_nested(call, step);
                }
                Output::SubmissionRecorded { key, task } => {
                    let next = self.jobs.recorded(&self.random, &self.store, key, task);
                    self.go_on(next);
                }
                Output::Reply { reply, answer } => self.replied(reply, answer),
                Output::WakeAt(at) => {
                    if let Some(place) = self.tick.take() {
                        self.happenings.remove(&place);
                    }
                    let late = i64::from(self.random.once_in(5)) * self.random.below(3_000) as i64;
                    let tick = Happening::Input(Box::new(Input::Tick));
                    self.tick = Some(self.put(at.0.saturating_add(late), tick));
                }
                read => self.soon(5, Happening::Read(Box::new(read))),
            }
        }
    }

    /// The store's work on a batch, and what becomes of its answer.
    fn commit(&mut self, writes: Vec<Write>) {
        let fault = if self.faulty { self.random.below(40) } else { 99 };
        let failed = || StoreError::Failed("the store is out of order".to_owned());
        let result = match fault {
            // Nothing became durable.
            0 => Err(StoreError::Full("no room".to_owned())),
            1 => Err(failed()),
            // It became durable, but the answer is lost.
            2 => {
                self.store.commit(&writes).expect("a store in memory commits");
                Err(failed())
            }
            // Somebody else's hand: a write is refused.
            3 => {
                let index = self.random.below(writes.len() as u64) as usize;
                let mut rest = writes.clone();
                let refused = rest.remove(index);
                let mut outcomes = self.store.commit(&rest).expect("a store in memory commits");
                match refused {
                    Write::Turn(_) => outcomes.insert(index, Outcome::Conflict),
                    record => {
                        let outcome = self.store.commit(&[record]);
                        outcomes.insert(index, outcome.expect("a store in memory commits")[0]);
                    }
                }
                Ok(outcomes)
            }
            _ => self.store.commit(&writes),
        };
        self.summary.store_faults += u32::from(fault < 4);
        let input = Input::Committed { writes, result };
        self.soon(5, Happening::Input(Box::new(input)));
    }

    fn read(&mut self, output: Output) {
        let store = Arc::clone(&self.store);
        let fails = self.faulty && self.random.once_in(60);
        self.summary.store_faults += u32::from(fails);
        let answer = |result| match fails {
            true => Err(StoreError::Failed("the store cannot be read".to_owned())),
            false => result,
        };
        let node = self.node.as_ref().expect("a node runs");
        let surroundings = node.surroundings().clone();
        let now = Timestamp(self.now);
        let input = match output {
            Output::Check(writes) => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned())),
                    false => load::check(&*store, &surroundings, &writes, now),
                };
                Input::Checked { writes, result }
            }
            Output::Load(key) => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned()).into()),
                    false => load::load(&*store, &surroundings, key, now),
                };
                Input::Loaded { key, result }
            }
            Output::Reopen(key) => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned()).into()),
                    false => load::reopen(&*store, &surroundings, key, now),
                };
                Input::Loaded { key, result }
            }
            Output::LoadDefinition(hash) => {
                let result = surroundings.load_definition(&*store, hash);
                Input::DefinitionLoaded { hash, result }
            }
            Output::Resolve(arn) => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned())),
                    false => store.execution_by_arn(&arn),
                };
                Input::Resolved { arn, result }
            }
            Output::ListDue { until, limit } => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned())),
                    false => store.due(until, limit),
                };
                Input::DueListed { until, result }
            }
            Output::ListRecovery { after, limit } => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned())),
                    false => store.to_recover(after, limit),
                };
                Input::RecoveryListed { result }
            }
            Output::ListPurgeable(query) => {
                let result = match fails {
                    true => Err(StoreError::Failed("the store cannot be read".to_owned())),
                    false => load::purgeable(&*store, &query),
                };
                Input::PurgeableListed { result }
            }
            Output::CountOpen(machine_arn) => {
                let result = answer(store.count_open(&machine_arn));
                Input::OpenCounted { machine_arn, result }
            }
            Output::DescribeChild { place, arn, result } if fails => {
                let error = StoreError::Failed("the store cannot be read".to_owned());
                Input::ChildDescribed { place, arn, result, described: Err(error.into()) }
            }
            Output::CheckParent { child, parent } if fails => {
                let error = StoreError::Failed("the store cannot be read".to_owned());
                Input::ParentChecked { child, parent, result: Err(error) }
            }
            other => match load::perform(&*store, &surroundings, other, now) {
                Ok(input) => input,
                Err(_) => unreachable!("only reads come here"),
            },
        };
        self.soon(5, Happening::Input(Box::new(input)));
    }

    /// A function is called. It may fail, hang, answer twice, or answer by its token.
    fn dispatch(&mut self, key: ExecutionKey, call: &TaskCall) {
        let dispatch = &call.dispatch;
        self.checkers.claim(&self.store, key, dispatch.task, Claim::Scheduled);
        if let Some(nested) = NestedCall::of(key, call) {
            return self.soon(4_000, Happening::Nested(Box::new(nested)));
        }
        if dispatch.resource.waits_for_job() {
            let next = self.jobs.dispatch(&self.random, &self.store, key, call);
            return self.go_on(next);
        }
        let waits = dispatch.task_token.clone();
        let result = self.task_result();
        let returned = |result| {
            Happening::Input(Box::new(Input::TaskReturned { key, task: dispatch.task, result }))
        };
        let delay = if self.random.once_in(10) { 900_000 } else { 4_000 };
        if let Some(token) = waits {
            // The token travels by itself, sometimes faster than the call's own answer.
            let value = self.random.next();
            let ok = !self.random.once_in(4);
            let report = Act::Report { token: token.clone(), ok, value };
            if self.random.once_in(3) {
                self.soon(60_000, Happening::Outside(Act::Heartbeat { token: token.clone() }));
            }
            if self.random.once_in(6) {
                self.soon(delay, Happening::Outside(report.clone()));
            }
            if !self.random.once_in(8) {
                self.soon(delay, Happening::Outside(report));
            }
        }
        assert!(matches!(
            dispatch.resource,
            Resource::LambdaFunction { .. } | Resource::Service { .. }
        ));
        if self.faulty && self.random.once_in(15) {
            self.summary.task_faults += 1;
            return;
        }
        if self.faulty && self.random.once_in(20) {
            self.summary.task_faults += 1;
            self.soon(delay, returned(result.clone()));
        }
        self.soon(delay, returned(result));
    }

    fn begin_nested(&mut self, call: NestedCall) {
        let step = call.begin(&self.store);
        self.step_nested(call, step);
    }

    fn step_nested(&mut self, call: NestedCall, step: Step) {
        match step {
            Step::Ask(request) => {
                self.request(Waiting::Nested(Box::new(call)), request);
            }
            Step::Put(input) => self.soon(50, Happening::Input(Box::new(input))),
        }
    }

    fn nested_answered(&mut self, call: NestedCall, answer: Result<Answer, RuntimeError>) {
        let input = match answer {
            Ok(Answer::Started(started)) => {
                let row = self.store.execution_by_arn(&started.execution_arn);
                assert!(matches!(row, Ok(Some(_))), "an acknowledged child is not durable");
                let input = call.started(&started.execution_arn);
                if matches!(input, Input::TaskSubmitted { .. }) {
                    self.nested.insert((call.key.0, call.call.dispatch.task.0), call);
                }
                input
            }
            // Nobody waits for this start any more.
            Err(RuntimeError::TaskTimedOut) => return,
            Err(RuntimeError::Store(_)) => {
                return self.soon(5_000, Happening::Nested(Box::new(call)));
            }
            Err(RuntimeError::ExecutionAlreadyExists(_)) => call.refused(),
            answer => panic!("a start is answered with {answer:?}"),
        };
        self.soon(1_000, Happening::Input(Box::new(input)));
    }

    /// The next thing that a job's call does, once or twice.
    fn go_on(&mut self, next: Option<Next>) {
        let Some((most, input)) = next else {
            self.summary.task_faults += 1;
            return;
        };
        if self.faulty
            && self.random.once_in(10)
            && let Input::TaskSubmitted { key, task, output } = &input
        {
            let again = Input::TaskSubmitted { key: *key, task: *task, output: output.clone() };
            self.soon(most, Happening::Input(Box::new(again)));
        }
        self.soon(most, Happening::Input(Box::new(input)));
    }

    fn task_result(&mut self) -> Result<Payload, TaskFailure> {
        match self.random.below(5) {
            0 => Err(TaskFailure {
                error: Some((*self.random.choose(&crate::generate::ERRORS)).into()),
                cause: None,
            }),
            _ => Ok(Payload::from_value(generate_input(&self.random))),
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Start { machine, name, input } => {
                let request = StartRequest {
                    state_machine_arn: self.machines[machine].clone(),
                    name: Some(name.clone()),
                    input: Payload::from_valid_text(input.as_str()),
                    trace_header: None,
                };
                self.request(Waiting::Start { name, machine, input }, Request::Start(request));
            }
            Act::Stop { arn } => {
                let request =
                    Request::Stop { execution_arn: arn.as_str().into(), error: None, cause: None };
                self.request(Waiting::Stop, request);
            }
            Act::Redrive { arn, token } => {
                let execution_arn = arn.as_str().into();
                let client_token = Some(token.as_str().into());
                let request = Request::Redrive { execution_arn, client_token };
                self.request(Waiting::Redrive { arn, token }, request);
            }
            Act::Poll { activity } => {
                let request = Request::Poll {
                    activity_arn: ACTIVITIES[activity].into(),
                    worker_name: Some("worker".into()),
                };
                let reply = self.request(Waiting::Poll { activity }, request);
                if self.random.once_in(10) && self.waiting.remove(&reply).is_some() {
                    // The worker goes away and comes back.
                    self.soon(60_000, Happening::Outside(Act::Poll { activity }));
                    self.feed(Input::Abandoned { reply });
                }
            }
            Act::Report { token, ok, value } => {
                let report = match ok {
                    true => TaskReport::Success(Payload::from_value(value.into())),
                    false => TaskReport::Failure(TaskFailure {
                        error: Some("Refused".into()),
                        cause: Some(value.to_string().into()),
                    }),
                };
                let request = Request::Task { token: token.clone(), report };
                self.request(Waiting::Report { token, ok, value }, request);
            }
            Act::Heartbeat { token } => {
                let request = Request::Task { token, report: TaskReport::Heartbeat };
                self.request(Waiting::Stop, request);
            }
        }
    }

    fn request(&mut self, waiting: Waiting, request: Request) -> ReplyId {
        self.replies += 1;
        let reply = ReplyId(self.replies);
        self.waiting.insert(reply, waiting);
        self.feed(Input::Request { reply, request });
        reply
    }

    fn replied(&mut self, reply: ReplyId, answer: Result<Answer, RuntimeError>) {
        let Some(waiting) = self.waiting.remove(&reply) else {
            // The caller is gone: a task it was given goes back.
            if let Ok(Answer::Task(Some(task))) = answer {
                self.soon(2, Happening::Input(Box::new(Input::Undelivered(task))));
            }
            return;
        };
        match (waiting, answer) {
            (Waiting::Setup, answer) => {
                assert!(answer.is_ok(), "nothing goes wrong while the world is set up");
            }
            (Waiting::Start { name, machine, input }, Ok(Answer::Started(started))) => {
                assert_eq!(&*started.execution_arn, execution_arn(machine, &name));
                self.checkers.started(&self.store, &started.execution_arn, &input);
            }
            (Waiting::Start { .. }, Err(RuntimeError::ExecutionAlreadyExists(_))) => {}
            (waiting @ Waiting::Start { .. }, Err(RuntimeError::Store(_))) => self.lost(waiting),
            (Waiting::Start { .. }, answer) => panic!("a start is answered with {answer:?}"),
            (Waiting::Stop, _) => {}
            (Waiting::Redrive { arn, token }, Ok(Answer::Redriven(at))) => {
                self.checkers.redriven(&self.store, &arn, &token, at.0);
            }
            (waiting @ Waiting::Redrive { .. }, Err(RuntimeError::Store(_))) => self.lost(waiting),
            (
                Waiting::Redrive { .. },
                Err(
                    RuntimeError::ExecutionNotRedrivable { .. }
                    | RuntimeError::ExecutionDoesNotExist(_),
                ),
            ) => {}
            (Waiting::Redrive { .. }, answer) => panic!("a redrive is answered with {answer:?}"),
            (Waiting::Nested(call), answer) => self.nested_answered(*call, answer),
            (Waiting::Poll { activity }, answer) => self.polled(activity, answer),
            (Waiting::Report { token, ok, value }, Ok(Answer::Done)) => {
                self.checkers.reported(&self.store, &token, ok, value);
            }
            (waiting @ Waiting::Report { .. }, Err(RuntimeError::Store(_))) => self.lost(waiting),
            (
                Waiting::Report { .. },
                Err(RuntimeError::TaskTimedOut | RuntimeError::TaskDoesNotExist),
            ) => {}
            (Waiting::Report { .. }, answer) => panic!("a report is answered with {answer:?}"),
        }
    }

    fn polled(&mut self, activity: usize, answer: Result<Answer, RuntimeError>) {
        if let Ok(Answer::Task(Some(task))) = &answer {
            let token = task.given().task_token.clone();
            self.checkers.assigned(&self.store, &token);
            let delay = if self.random.once_in(10) { 900_000 } else { 4_000 };
            let report = Act::Report {
                token: token.clone(),
                ok: !self.random.once_in(4),
                value: self.random.next(),
            };
            if self.random.once_in(3) {
                self.soon(delay, Happening::Outside(Act::Heartbeat { token }));
            }
            if self.random.once_in(8) {
                self.soon(delay, Happening::Outside(report.clone()));
            }
            if !self.random.once_in(10) {
                self.soon(delay, Happening::Outside(report));
            }
        }
        self.soon(3_000, Happening::Outside(Act::Poll { activity }));
    }
}

fn execution_arn(machine: usize, name: &str) -> String {
    format!("arn:aws:states:us-east-1:123456789012:execution:machine{machine}:{name}")
}
