//! A node on the bench: turns run at once, reads are answered at once, and what comes of a commit
//! is up to the test.

use std::collections::HashMap;

use asl::{MachineType, Payload, Timestamp};
use engine::TaskFailure;
use runtime::node::{Answer, Input, Node, Output, ReplyId, Request, ResourceRequest, TaskReport};
use runtime::{
    Activity, ActivityTask, ExecutionKey, RuntimeError, RuntimeOptions, Seeds, StartRequest,
    TaskCall, load,
};
use serde_json::{Value, json};
use store::{MemoryStore, Outcome, Store, StoreError, Write};

use crate::harness::{SCOPE, new_machine, request};

pub(crate) struct Bench {
    pub(crate) node: Node,
    pub(crate) store: MemoryStore,
    pub(crate) now: i64,
    /// The commit that is on its way.
    pub(crate) commit: Option<Vec<Write>>,
    /// The look at a failed commit that is on its way.
    pub(crate) check: Option<Vec<Write>>,
    /// Whether reads fail.
    pub(crate) is_blind: bool,
    /// Answers of the store to reads that are on their way, while it is slow.
    pub(crate) slow_reads: Option<Vec<Input>>,
    pub(crate) calls: Vec<(ExecutionKey, TaskCall)>,
    pub(crate) cancelled: Vec<(ExecutionKey, engine::TaskId)>,
    /// Executions read from the store.
    pub(crate) loads: usize,
    pub(crate) wake_at: Option<i64>,
    replies: HashMap<ReplyId, Result<Answer, RuntimeError>>,
    next_reply: u64,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::over(MemoryStore::default())
    }

    pub(crate) fn over(store: MemoryStore) -> Bench {
        let now = 1_700_000_000_000;
        let options = RuntimeOptions::default();
        let seeds = Seeds::from_number(7);
        let node = Node::open(&store, options, seeds, [5; 32], Timestamp(now)).unwrap();
        let mut bench = Bench {
            node,
            store,
            now,
            commit: None,
            check: None,
            is_blind: false,
            slow_reads: None,
            calls: Vec::new(),
            cancelled: Vec::new(),
            loads: 0,
            wake_at: None,
            replies: HashMap::new(),
            next_reply: 0,
        };
        bench.input(Input::Tick);
        bench
    }

    /// The process ends, and another starts.
    pub(crate) fn crash(self) -> Bench {
        Bench::over(self.store)
    }

    pub(crate) fn input(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.node.handle(input, Timestamp(self.now));
            for output in self.node.take_outputs() {
                inputs.extend(self.perform(output));
            }
        }
    }

    fn perform(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Run(job) => Some(Input::Ran(job.run())),
            Output::Commit(writes) => {
                assert!(self.commit.is_none() && self.check.is_none(), "one commit at a time");
                self.commit = Some(writes);
                None
            }
            Output::Check(writes) => {
                assert!(self.commit.is_none() && self.check.is_none(), "one commit at a time");
                self.check = Some(writes);
                None
            }
            Output::Dispatch { key, call } => {
                self.calls.push((key, *call));
                None
            }
            Output::CancelCall { key, task } => {
                self.cancelled.push((key, task));
                None
            }
            Output::Reply { reply, answer } => {
                assert!(self.replies.insert(reply, answer).is_none(), "one answer");
                None
            }
            Output::WakeAt(moment) => {
                self.wake_at = Some(moment.0);
                None
            }
            Output::Publish(_) => None,
            Output::Load(key) if self.is_blind => {
                self.loads += 1;
                Some(Input::Loaded { key, result: Err(down().into()) })
            }
            Output::Resolve(arn) if self.is_blind => {
                Some(Input::Resolved { arn, result: Err(down()) })
            }
            read => {
                self.loads += usize::from(matches!(read, Output::Load(_)));
                let now = Timestamp(self.now);
                let answer =
                    load::perform(&self.store, self.node.surroundings(), read, now).ok()?;
                match &mut self.slow_reads {
                    Some(held) => {
                        held.push(answer);
                        None
                    }
                    None => Some(answer),
                }
            }
        }
    }

    /// The commit becomes durable, and the node learns of it.
    pub(crate) fn commit_works(&mut self) -> Vec<Outcome> {
        let writes = self.commit.take().expect("a commit is on its way");
        let outcomes = self.store.commit(&writes).unwrap();
        self.input(Input::Committed { writes, result: Ok(outcomes.clone()) });
        outcomes
    }

    /// The commit becomes durable, but the answer is lost.
    pub(crate) fn commit_is_lost(&mut self) {
        let writes = self.commit.take().expect("a commit is on its way");
        self.store.commit(&writes).unwrap();
        self.input(Input::Committed { writes, result: Err(down()) });
    }

    /// The commit fails.
    pub(crate) fn commit_fails(&mut self, error: StoreError) {
        let writes = self.commit.take().expect("a commit is on its way");
        self.input(Input::Committed { writes, result: Err(error) });
    }

    /// The store says what became of the failed commit.
    pub(crate) fn check_works(&mut self) {
        let writes = self.check.take().expect("a check is on its way");
        let now = Timestamp(self.now);
        let surroundings = self.node.surroundings();
        let result = load::check(&self.store, surroundings, &writes, now);
        self.input(Input::Checked { writes, result });
    }

    pub(crate) fn check_fails(&mut self) {
        let writes = self.check.take().expect("a check is on its way");
        self.input(Input::Checked { writes, result: Err(down()) });
    }

    /// The commit on its way fails, which is found out, and the next attempt is on its way.
    pub(crate) fn settle_one_failure(&mut self) {
        self.commit_fails(down());
        self.check_works();
        while self.commit.is_none() {
            self.pass(10);
        }
    }

    /// Commits until there is nothing to commit.
    pub(crate) fn settle(&mut self) {
        while self.commit.is_some() {
            self.commit_works();
        }
    }

    /// The answers to slow reads arrive, and further reads are quick.
    pub(crate) fn reads_arrive(&mut self) {
        for answer in self.slow_reads.take().unwrap_or_default() {
            self.input(answer);
        }
    }

    /// Time passes, with a tick at every moment the node asked for.
    pub(crate) fn pass(&mut self, milliseconds: i64) {
        let until = self.now + milliseconds;
        while let Some(at) = self.wake_at.filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.wake_at = None;
            self.input(Input::Tick);
        }
        self.now = until;
    }

    pub(crate) fn ask(&mut self, request: Request) -> ReplyId {
        self.next_reply += 1;
        let reply = ReplyId(self.next_reply);
        self.input(Input::Request { reply, request });
        reply
    }

    /// The answer, if there is one by now.
    pub(crate) fn answer(&mut self, reply: ReplyId) -> Option<Result<Answer, RuntimeError>> {
        self.replies.remove(&reply)
    }

    pub(crate) fn expect_error(&mut self, reply: ReplyId) -> RuntimeError {
        self.answer(reply).expect("an answer by now").expect_err("an error")
    }

    pub(crate) fn expect_ok(&mut self, reply: ReplyId) -> Answer {
        self.answer(reply).expect("an answer by now").unwrap()
    }

    pub(crate) fn machine(
        &mut self,
        name: &str,
        machine_type: MachineType,
        states: &Value,
    ) -> String {
        let new = new_machine(name, machine_type, states);
        let arn = new.arn.to_string();
        let definition = self.node.surroundings().compile(&new.definition, machine_type).unwrap();
        let create = ResourceRequest::CreateMachine { new, definition };
        let reply = self.ask(Request::Resource(Box::new(create)));
        self.settle();
        self.expect_ok(reply);
        arn
    }

    pub(crate) fn activity(&mut self, name: &str) -> String {
        let arn = format!("{SCOPE}:activity:{name}");
        let activity = Activity {
            arn: arn.as_str().into(),
            name: name.into(),
            creation_date: Timestamp(0),
            encryption_configuration: None,
        };
        let create = ResourceRequest::CreateActivity { activity, tags: Vec::new() };
        let reply = self.ask(Request::Resource(Box::new(create)));
        self.settle();
        self.expect_ok(reply);
        arn
    }

    pub(crate) fn start(&mut self, machine: &str, name: Option<&str>, input: Payload) -> ReplyId {
        let name = name.map(ToOwned::to_owned);
        self.ask(Request::Start(StartRequest { name, input, ..request(machine, json!(0)) }))
    }

    pub(crate) fn poll(&mut self, activity_arn: &str) -> ReplyId {
        let worker_name = Some("worker".into());
        self.ask(Request::Poll { activity_arn: activity_arn.into(), worker_name })
    }

    pub(crate) fn succeed(&mut self, token: &str, output: Payload) -> ReplyId {
        let report = TaskReport::Success(output);
        self.ask(Request::Task { token: token.to_owned(), report })
    }

    /// The oldest call under way comes back.
    pub(crate) fn call_returns(&mut self, result: Result<Payload, TaskFailure>) {
        let (key, call) = self.calls.remove(0);
        self.input(Input::TaskReturned { key, task: call.dispatch.task, result });
    }

    /// The status, as the store has it.
    pub(crate) fn stored_status(&self, execution_arn: &str) -> Option<u8> {
        self.store.execution_by_arn(execution_arn).unwrap().map(|row| row.state.status)
    }

    /// Turns, as the store has them.
    pub(crate) fn turns(&self, execution_arn: &str) -> u32 {
        self.store.execution_by_arn(execution_arn).unwrap().map_or(0, |row| row.turns)
    }
}

pub(crate) fn started(answer: Answer) -> String {
    match answer {
        Answer::Started(started) => started.execution_arn.into(),
        other => panic!("{other:?} is no start"),
    }
}

pub(crate) fn given(answer: Answer) -> ActivityTask {
    match answer {
        Answer::Task(Some(assigned)) => assigned.given,
        other => panic!("{other:?} is no task"),
    }
}

pub(crate) fn down() -> StoreError {
    StoreError::Failed("the disk is gone".to_owned())
}

pub(crate) fn full() -> StoreError {
    StoreError::Full("no room".to_owned())
}
