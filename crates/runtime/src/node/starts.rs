//! StartExecution and StartSyncExecution: names, and when two starts are the same.

use std::sync::Arc;

use asl::MachineType;
use engine::{Execution, Identity};
use store::{ExecutionKey, StoreError};

use super::executions::{FirstTurn, Known, Phase, Reader, Resident, Starter, Then};
use super::reading::ByArn;
use super::{Node, Output, ReplyId, copy_of};
use crate::definitions::{Definition, LoadError};
use crate::limits;
use crate::mocks::split_test_case;
use crate::records::{DefinitionHash, ParentRecord};
use crate::registry::StartTarget;
use crate::{RuntimeError, StartRequest, arns};

/// What kind of start it is.
#[derive(Clone)]
pub(super) enum StartAs {
    /// StartExecution.
    Asynchronous,
    /// StartSyncExecution: answered at its end and never kept.
    Synchronous,
    /// By a task of another execution.
    Child(Arc<ParentRecord>),
}

/// A start that may have to wait for its definition to be read.
pub(super) struct WaitingStart {
    reply: ReplyId,
    request: StartRequest,
    start_as: StartAs,
    /// Decides between the versions of an alias, once and for all.
    draw: u64,
}

impl Node {
    /// Starts an execution.
    pub(super) fn start(&mut self, reply: ReplyId, request: StartRequest, start_as: StartAs) {
        let draw = self.seeds.next_number();
        self.start_drawn(WaitingStart { reply, request, start_as, draw });
    }

    fn start_drawn(&mut self, start: WaitingStart) {
        let arn = &start.request.state_machine_arn;
        let WaitingStart { reply, draw, .. } = start;
        let is_sync = matches!(start.start_as, StartAs::Synchronous);
        let target = match self.start_target(arn, draw) {
            Ok(target) => target,
            Err(error) => return self.reply(reply, Err(error)),
        };
        if is_sync && target.machine.machine_type != MachineType::Express {
            return self.reply(reply, Err(RuntimeError::StateMachineTypeNotSupported));
        }
        if is_sync && self.executions.sync_count() >= limits::SYNC_EXECUTIONS_MAX {
            return self.reply(
                reply,
                Err(RuntimeError::Overloaded("too many synchronous executions run")),
            );
        }
        let hash = target.machine.definition;
        match self.surroundings.definitions.get(hash) {
            Some(definition) => self.start_defined(start, target, definition),
            None => {
                let waiting = self.awaiting_definition.entry(hash).or_default();
                waiting.push(start);
                if waiting.len() == 1 {
                    self.outputs.push_back(Output::LoadDefinition(hash));
                }
            }
        }
    }

    /// What an ARN starts. Where there are mocks it may end in `#` and a test case.
    fn start_target(&self, arn: &str, draw: u64) -> Result<StartTarget, RuntimeError> {
        let (Some(mocks), (plain, Some(test_case))) = (&self.options.mocks, split_test_case(arn))
        else {
            return self.registry.start_target(arn, draw);
        };
        let target = self.registry.start_target(plain, draw)?;
        let name = || test_case.to_owned();
        mocks
            .check(&target.machine.name, test_case)
            .map_err(|reason| RuntimeError::TestCaseDoesNotExist { name: name(), reason })?;
        Ok(target)
    }

    pub(super) fn definition_loaded(
        &mut self,
        hash: DefinitionHash,
        result: Result<Arc<Definition>, LoadError>,
    ) {
        let waiting = self.awaiting_definition.remove(&hash).unwrap_or_default();
        let error = match result {
            // The cache may have dropped it again, but these starts hold on to it.
            Ok(definition) => {
                for start in waiting {
                    let arn = &start.request.state_machine_arn;
                    match self.start_target(arn, start.draw) {
                        Ok(target) if target.machine.definition == hash => {
                            self.start_defined(start, target, Arc::clone(&definition));
                        }
                        Ok(_) => self.start_drawn(start),
                        Err(error) => self.reply(start.reply, Err(error)),
                    }
                }
                return;
            }
            Err(error) => error.into_store_error(),
        };
        for start in waiting {
            self.reply(start.reply, Err(copy_of(&error).into()));
        }
    }

    fn start_defined(
        &mut self,
        start: WaitingStart,
        target: StartTarget,
        definition: Arc<Definition>,
    ) {
        let WaitingStart { reply, request, start_as, .. } = start;
        let is_sync = matches!(start_as, StartAs::Synchronous);
        let parent = match start_as {
            StartAs::Child(parent) => Some(parent),
            StartAs::Asynchronous | StartAs::Synchronous => None,
        };
        if parent.as_ref().is_some_and(|parent| !self.calls.contains(&parent.place())) {
            return self.reply(reply, Err(RuntimeError::TaskTimedOut));
        }
        let StartTarget { machine, version_arn, alias_arn } = target;
        // What a task starts has the same name every time.
        let is_named = request.name.is_some() || parent.is_some();
        let name = match (&request.name, &parent) {
            (Some(name), _) => name.clone(),
            (None, Some(parent)) => parent.uuid("name"),
            (None, None) => self.seeds.next_uuid(),
        };
        let seeds = &mut self.seeds;
        let id = || parent.as_ref().map_or_else(|| seeds.next_uuid(), |parent| parent.uuid("id"));
        let arn = arns::execution(&machine.arn, machine.machine_type, &name, id);
        if let Some(key) = self.executions.key_of(&arn) {
            let input = request.input;
            return self.read(key, Reader::StartAgain { reply, input, parent });
        }
        let is_standard = machine.machine_type == MachineType::Standard;
        if is_standard && self.open.of(&arn) >= self.options.quotas.open_executions {
            // The same start again is none.
            if is_named {
                let input = request.input;
                return self.by_arn(&arn, ByArn::StartAgain { reply, input, parent });
            }
            let machine_arn = machine.arn.to_string();
            return self.reply(reply, Err(RuntimeError::ExecutionLimitExceeded(machine_arn)));
        }
        let identity = Arc::new(Identity {
            name: name.into(),
            state_machine_arn: machine.arn.clone(),
            state_machine_name: machine.name.clone(),
            state_machine_version_arn: version_arn,
            state_machine_alias_arn: alias_arn,
            role_arn: machine.role_arn.clone(),
            region: arns::region(&arn).into(),
            express: machine.machine_type == MachineType::Express,
            test_case: split_test_case(&request.state_machine_arn).1.map(Into::into),
            map_run: None,
            arn,
        });
        let key = ExecutionKey(self.next_key);
        self.next_key += 1;
        let mut resident = Resident::loading();
        let execution = if is_sync { Execution::new_synchronous } else { Execution::new };
        resident.phase = Phase::Idle(Box::new(execution(Arc::clone(&identity))));
        resident.input = Some(request.input.clone());
        let header = Arc::new(machine.execution_header(
            request.trace_header.clone(),
            identity.test_case.clone(),
            parent.as_deref().cloned(),
        ));
        let logging = machine.configurations.logging.clone().map(Arc::new);
        if let Some(parent) = parent.as_ref().filter(|parent| parent.awaited) {
            self.children.link(key, parent.place());
        }
        resident.known = Some(Known { identity, definition, header, logging, parent });
        if is_sync {
            resident.sync = Some(reply);
        } else {
            let request = (!is_named).then_some(request);
            let starter = Some(Starter { reply, request });
            resident.first = Some(Box::new(FirstTurn { starter }));
        }
        self.executions.insert(key, resident);
        self.begin_turn(key);
    }

    /// The name of a start is taken: by the same start, by another, or by chance.
    pub(super) fn name_taken(&mut self, key: ExecutionKey) {
        let Some(mut resident) = self.executions.remove(key) else {
            return;
        };
        let known = resident.known.take().expect("what has run is known");
        let arn = known.identity.arn.clone();
        if let Some(link) = &known.header.map_run {
            return self.child_name_taken(&arn, link);
        }
        let parent = known.parent.clone();
        if let Some(parent) = &parent {
            self.children.unlink(parent.place());
        }
        let first = resident.first.take().expect("only a first turn has a name to be taken");
        if let Some(Starter { reply, request }) = first.starter {
            match (request, resident.input.take()) {
                (Some(request), _) => self.start(reply, request, StartAs::Asynchronous),
                (None, Some(input)) => {
                    self.by_arn(&arn, ByArn::StartAgain { reply, input, parent });
                }
                (None, None) => unreachable!("the input is kept until the start is durable"),
            }
        }
        // Whoever came to this one by its name meant the one that has the name.
        for reader in resident.readers {
            match reader {
                Reader::StartAgain { reply, input, parent } => {
                    self.by_arn(&arn, ByArn::StartAgain { reply, input, parent });
                }
                Reader::Describe(reply) | Reader::MapRuns(reply) => {
                    self.reply(reply, Ok(super::Answer::Elsewhere));
                }
                Reader::MapRunChild { key, child } => self.child_checked(key, child, None),
                Reader::LostMapRunChild(_) => {}
                Reader::HandOver { poll, task, .. } => self.not_handed_over(key, poll, task),
            }
        }
        for entry in resident.queue {
            match (entry.then, entry.command) {
                (Then::Stop(reply), engine::Command::Stop { error, cause }) => {
                    self.by_arn(&arn, ByArn::Stop { reply, error, cause });
                }
                (Then::Redrive { reply, client_token }, _) => {
                    self.by_arn(&arn, ByArn::Redrive { reply, client_token });
                }
                _ => {}
            }
        }
        for reply in self.awaiting_end.remove(&key).unwrap_or_default() {
            self.by_arn(&arn, ByArn::WaitForEnd(reply));
        }
    }

    /// The key of a start is taken, though keys are given out once.
    pub(super) fn start_collided(&mut self, key: ExecutionKey) {
        if self.is_child(key) {
            return self.child_start_collided(key);
        }
        let error = StoreError::Failed(format!("the key {} of a new execution is taken", key.0));
        if let Some(resident) = self.executions.get_mut(key)
            && let Some(first) = resident.first.take()
            && let Some(starter) = first.starter
        {
            self.reply(starter.reply, Err(copy_of(&error).into()));
        }
        self.refuse_callers(key, &error);
        self.vanished(key);
    }
}
