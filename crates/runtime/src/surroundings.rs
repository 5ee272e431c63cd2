//! What a step may look at besides its execution, shared by all threads.

use std::sync::Arc;

use asl::{Diagnostic, Elsewhere, Interrupt, MachineType};
use engine::limits::Limits;
use engine::{TaskId, World};
use store::{ExecutionKey, Store};

use crate::definitions::{Definition, Definitions, LoadError};
use crate::evaluators::Evaluators;
use crate::long_turns::Watch;
use crate::records::DefinitionHash;
use crate::registry::Directory;
use crate::tokens::Tokens;

/// What a node shares with those who run steps and read the store for it.
#[derive(Clone)]
pub struct Surroundings {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) limits: Limits,
    /// Where expressions that may take long are evaluated, if not here.
    pub(crate) evaluators: Option<Arc<Evaluators>>,
}

impl Surroundings {
    /// Compiles a definition, or remembers it. The diagnostics are those of a definition that
    /// has errors.
    pub fn compile(
        &self,
        text: &Arc<str>,
        machine_type: MachineType,
    ) -> Result<Arc<Definition>, Vec<Diagnostic>> {
        self.definitions.compile(text, machine_type)
    }

    /// A definition from memory, or from the store. May block.
    pub fn load_definition(
        &self,
        store: &dyn Store,
        hash: DefinitionHash,
    ) -> Result<Arc<Definition>, LoadError> {
        self.definitions.load(store, hash)
    }

    /// What the execution with this key sees of the world.
    pub(crate) fn of(&self, key: ExecutionKey) -> impl World + '_ {
        Seen { surroundings: self, key, watch: None }
    }

    /// The same for a turn that somebody keeps an eye on.
    pub(crate) fn watched<'a>(&'a self, key: ExecutionKey, watch: &'a Watch) -> impl World + 'a {
        Seen { surroundings: self, key, watch: Some(watch) }
    }
}

struct Seen<'a> {
    surroundings: &'a Surroundings,
    key: ExecutionKey,
    watch: Option<&'a Watch>,
}

impl World for Seen<'_> {
    fn task_token(&self, task: TaskId) -> String {
        self.surroundings.tokens.seal(self.key, task)
    }

    fn limits(&self) -> Limits {
        self.surroundings.limits
    }

    fn activity_exists(&self, arn: &str) -> bool {
        self.surroundings.directory.has_activity(arn)
    }

    fn interrupt(&self) -> Arc<Interrupt> {
        self.watch.map_or_else(Arc::default, Watch::begin)
    }

    fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        // Asking takes a moment, for which nobody must wait.
        let evaluators = self.surroundings.evaluators.as_deref().filter(|_| self.watch.is_some());
        evaluators.map(|evaluators| evaluators as &dyn Elsewhere)
    }

    fn is_late(&self) -> bool {
        self.watch.is_some_and(Watch::is_late)
    }
}
