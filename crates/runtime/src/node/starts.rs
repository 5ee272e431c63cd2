//! StartExecution and StartSyncExecution: names, and when two starts are the same.

use std::sync::Arc;

use asl::MachineType;
use engine::{Execution, Identity};
use store::{ExecutionKey, StoreError};

use super::executions::{FirstTurn, Known, Phase, Reader, Resident, Starter};
use super::reading::ByArn;
use super::{Node, Output, ReplyId, copy_of, too_much};
use crate::definitions::{Definition, LoadError};
use crate::limits;
use crate::records::DefinitionHash;
use crate::registry::StartTarget;
use crate::{RuntimeError, StartRequest, arns};

impl Node {
    /// Starts an execution; `is_sync` for one that is answered at its end and never kept.
    pub(super) fn start(&mut self, reply: ReplyId, request: StartRequest, is_sync: bool) {
        let target = match self.registry.start_target(&request.state_machine_arn) {
            Ok(target) => target,
            Err(error) => return self.reply(reply, Err(error)),
        };
        if is_sync && target.machine.machine_type != MachineType::Express {
            return self.reply(reply, Err(RuntimeError::StateMachineTypeNotSupported));
        }
        if is_sync && self.executions.sync_count() >= limits::SYNC_EXECUTIONS_MAX {
            return self.reply(reply, Err(too_much("too many synchronous executions run")));
        }
        let hash = target.machine.definition;
        match self.surroundings.definitions.get(hash) {
            Some(definition) => self.start_defined(reply, request, is_sync, target, definition),
            None => {
                let waiting = self.awaiting_definition.entry(hash).or_default();
                waiting.push((reply, request, is_sync));
                if waiting.len() == 1 {
                    self.outputs.push_back(Output::LoadDefinition(hash));
                }
            }
        }
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
                for (reply, request, is_sync) in waiting {
                    match self.registry.start_target(&request.state_machine_arn) {
                        Ok(target) if target.machine.definition == hash => {
                            let definition = Arc::clone(&definition);
                            self.start_defined(reply, request, is_sync, target, definition);
                        }
                        Ok(_) => self.start(reply, request, is_sync),
                        Err(error) => self.reply(reply, Err(error)),
                    }
                }
                return;
            }
            Err(error) => error.into_store_error(),
        };
        for (reply, _, _) in waiting {
            self.reply(reply, Err(copy_of(&error).into()));
        }
    }

    fn start_defined(
        &mut self,
        reply: ReplyId,
        request: StartRequest,
        is_sync: bool,
        target: StartTarget,
        definition: Arc<Definition>,
    ) {
        let StartTarget { machine, version_arn } = target;
        let is_named = request.name.is_some();
        let name = match &request.name {
            Some(name) => name.clone(),
            None => self.seeds.next_uuid(),
        };
        let seeds = &mut self.seeds;
        let arn = arns::execution(&machine.arn, machine.machine_type, &name, || seeds.next_uuid());
        if let Some(key) = self.executions.key_of(&arn) {
            let input = request.input;
            return self.read(key, Reader::StartAgain { reply, input });
        }
        let identity = Arc::new(Identity {
            name: name.into(),
            state_machine_arn: machine.arn.clone(),
            state_machine_name: machine.name.clone(),
            state_machine_version_arn: version_arn,
            state_machine_alias_arn: None,
            role_arn: machine.role_arn.clone(),
            region: arns::region(&arn).into(),
            express: machine.machine_type == MachineType::Express,
            arn,
        });
        let key = ExecutionKey(self.next_key);
        self.next_key += 1;
        let mut resident = Resident::loading();
        resident.phase = Phase::Idle(Box::new(Execution::new(Arc::clone(&identity))));
        resident.input = Some(request.input.clone());
        let trace_header = request.trace_header.clone();
        resident.known = Some(Known { identity, definition, trace_header });
        if is_sync {
            resident.sync = Some(reply);
        } else {
            let request = (!is_named).then_some(request);
            let starter = Some(Starter { reply, request });
            resident.first = Some(Box::new(FirstTurn { machine, starter }));
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
        let first = resident.first.take().expect("only a first turn has a name to be taken");
        if let Some(Starter { reply, request }) = first.starter {
            match (request, resident.input.take()) {
                (Some(request), _) => self.start(reply, request, false),
                (None, Some(input)) => self.by_arn(&arn, ByArn::StartAgain { reply, input }),
                (None, None) => self.reply(reply, Err(too_much("the start lost its input"))),
            }
        }
        // Whoever came to this one by its name meant the one that has the name.
        for reader in resident.readers {
            match reader {
                Reader::StartAgain { reply, input } => {
                    self.by_arn(&arn, ByArn::StartAgain { reply, input });
                }
                Reader::Describe(reply) => self.reply(reply, Ok(super::Answer::Elsewhere)),
                Reader::HandOver { poll, task, .. } => self.not_handed_over(key, poll, task),
            }
        }
        for entry in resident.queue {
            if let super::executions::Then::Stop(reply) = entry.then
                && let engine::Command::Stop { error, cause } = entry.command
            {
                self.by_arn(&arn, ByArn::Stop { reply, error, cause });
            }
        }
        for reply in self.awaiting_end.remove(&key).unwrap_or_default() {
            self.by_arn(&arn, ByArn::WaitForEnd(reply));
        }
    }

    /// The key of a start is taken, though keys are given out once.
    pub(super) fn start_collided(&mut self, key: ExecutionKey) {
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
