//! What a step may look at besides its execution, shared by all threads.

use std::sync::Arc;

use engine::{TaskId, World};
use store::ExecutionKey;

use crate::definitions::Definitions;
use crate::registry::Directory;
use crate::tokens::Tokens;

/// What a node shares with those who run steps and read the store for it.
#[derive(Clone)]
pub struct Surroundings {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) definitions: Arc<Definitions>,
}

impl Surroundings {
    /// What the execution with this key sees of the world.
    pub(crate) fn of(&self, key: ExecutionKey) -> impl World + '_ {
        Seen { surroundings: self, key }
    }
}

struct Seen<'a> {
    surroundings: &'a Surroundings,
    key: ExecutionKey,
}

impl World for Seen<'_> {
    fn task_token(&self, task: TaskId) -> String {
        self.surroundings.tokens.seal(self.key, task)
    }

    fn activity_exists(&self, arn: &str) -> bool {
        self.surroundings.directory.has_activity(arn)
    }
}
