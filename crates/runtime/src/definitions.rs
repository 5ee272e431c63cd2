//! Compiled definitions, each once per content, shared by everything that runs or shows it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use asl::{Diagnostic, MachineType, Program};
use store::{Store, StoreError};

use crate::limits::DEFINITIONS_CACHED_MAX;
use crate::records::{self, DefinitionHash, DefinitionRecord, RecordError, kind};

/// A definition: its text and what it was compiled to.
pub struct Definition {
    pub(crate) hash: DefinitionHash,
    pub(crate) machine_type: MachineType,
    pub(crate) text: Arc<str>,
    pub(crate) program: Arc<Program>,
    /// Whether its expressions may take long.
    pub(crate) may_take_long: bool,
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({})", self.hash)
    }
}

/// Why stored bytes could not be read back into what they were.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It may work another time.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It will not work another time.
    #[error("{0}")]
    Damaged(String),
}

impl LoadError {
    pub(crate) fn record(what: &str, key: &str, error: &RecordError) -> LoadError {
        LoadError::Damaged(format!("the {what} {key} cannot be read: {error}"))
    }

    /// The same as a store's error, which is how callers see it.
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            LoadError::Store(error) => error,
            LoadError::Damaged(text) => StoreError::Failed(text),
        }
    }
}

/// The compiled definitions in memory. Nothing but a memory of what compiling gave: forgetting
/// one costs its compilation, no more.
#[derive(Default)]
pub struct Definitions {
    cached: Mutex<HashMap<DefinitionHash, Arc<Definition>>>,
}

impl Definitions {
    /// Compiles a definition, or remembers it. The diagnostics are those of a definition that
    /// has errors.
    pub(crate) fn compile(
        &self,
        text: &Arc<str>,
        machine_type: MachineType,
    ) -> Result<Arc<Definition>, Vec<Diagnostic>> {
        let hash = DefinitionHash::of(text, machine_type);
        if let Some(known) = self.get(hash) {
            return Ok(known);
        }
        let compiled = asl::compile(text, machine_type);
        let Some(program) = compiled.program else {
            return Err(compiled.diagnostics);
        };
        let definition = Arc::new(Definition {
            hash,
            machine_type,
            text: Arc::clone(text),
            may_take_long: program.may_take_long(),
            program: Arc::new(program),
        });
        self.keep(&definition);
        Ok(definition)
    }

    /// A definition that is in memory.
    pub(crate) fn get(&self, hash: DefinitionHash) -> Option<Arc<Definition>> {
        self.cached().get(&hash).map(Arc::clone)
    }

    /// A definition from memory, or from the store. May block.
    pub(crate) fn load(
        &self,
        store: &dyn Store,
        hash: DefinitionHash,
    ) -> Result<Arc<Definition>, LoadError> {
        if let Some(known) = self.get(hash) {
            return Ok(known);
        }
        let key = hash.to_string();
        let bytes = store
            .record(kind::DEFINITION, &key)?
            .ok_or_else(|| LoadError::Damaged(format!("the definition {key} is missing")))?;
        let record: DefinitionRecord = records::decode(&bytes)
            .map_err(|error| LoadError::record("definition", &key, &error))?;
        self.compile(&Arc::from(record.text), record.machine_type).map_err(|diagnostics| {
            let first = diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
            LoadError::Damaged(format!("the definition {key} does not compile any more: {first}"))
        })
    }

    fn keep(&self, definition: &Arc<Definition>) {
        let mut cached = self.cached();
        if cached.len() >= DEFINITIONS_CACHED_MAX {
            cached.retain(|_, held| Arc::strong_count(held) > 1);
        }
        cached.insert(definition.hash, Arc::clone(definition));
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<DefinitionHash, Arc<Definition>>> {
        self.cached.lock().expect("no holder of the lock panics")
    }
}
