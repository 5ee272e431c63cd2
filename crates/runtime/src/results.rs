//! The results of a Map Run, for whoever exports them: its children one after the other, read
//! from the store a few at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use asl::{MachineType, Map, Payload, Program, ResultWriter, StateIndex, StateKind};
use engine::{ChildEnd, child_arn};

use crate::driver::Driver;
use crate::items::pause;
use crate::limits;
use crate::load::find_child;
use crate::node::FoundChild;

/// What a Map Run wants exported.
#[derive(Debug, Clone)]
pub struct ResultExport {
    pub execution_arn: Box<str>,
    pub region: Box<str>,
    pub map_run_arn: Box<str>,
    /// `Parameters` or `Arguments` of the ResultWriter, evaluated.
    pub arguments: Payload,
    /// How many children there are.
    pub children: u32,
    pub(crate) program: Arc<Program>,
    pub(crate) state: StateIndex,
}

impl ResultExport {
    /// The name of the Map state.
    pub fn state_name(&self) -> &str {
        &self.program.state(self.state).name
    }

    fn map(&self) -> &Map {
        let StateKind::Map(map) = &self.program.state(self.state).kind else {
            unreachable!("a Map Run is of a Map state")
        };
        map
    }

    /// The state's ResultWriter.
    pub fn writer(&self) -> &ResultWriter {
        let writer = self.map().distributed.as_ref().and_then(|map| map.writer.as_ref());
        writer.expect("only what a ResultWriter says is exported")
    }

    /// Whether the children are Express executions.
    pub fn is_express(&self) -> bool {
        let distributed = self.map().distributed.as_ref();
        distributed.is_some_and(|map| map.execution_type == MachineType::Express)
    }
}

/// A child of a Map Run that has ended.
#[derive(Debug, Clone)]
pub struct EndedChild {
    /// Which of the children it is.
    pub index: u32,
    pub end: Box<ChildEnd>,
}

/// Gives the children of a Map Run in order of their indexes.
pub struct ResultSource {
    origin: Origin,
    next: u32,
    ready: VecDeque<EndedChild>,
}

enum Origin {
    Store { driver: Weak<Driver>, map_run_arn: Arc<str>, is_express: bool, children: u32 },
    Memory,
}

impl ResultSource {
    /// One that gives these: for a look at what a writer makes of them, without an execution.
    pub fn of(children: Vec<EndedChild>) -> ResultSource {
        ResultSource { origin: Origin::Memory, next: 0, ready: children.into() }
    }

    pub(crate) fn in_store(driver: Weak<Driver>, export: &ResultExport) -> ResultSource {
        let origin = Origin::Store {
            driver,
            map_run_arn: (*export.map_run_arn).into(),
            is_express: export.is_express(),
            children: export.children,
        };
        ResultSource { origin, next: 0, ready: VecDeque::new() }
    }

    /// The next child; none behind the last one. One that is being stopped is waited for; one
    /// that never began is left out. A store that does not answer is asked again; a runtime that
    /// stops never answers.
    pub async fn next(&mut self) -> Option<EndedChild> {
        while self.ready.is_empty() {
            let Origin::Store { driver, map_run_arn, is_express, children } = &self.origin else {
                return None;
            };
            if self.next >= *children {
                return None;
            }
            let last = self.next.saturating_add(limits::RESULTS_PAGE).min(*children);
            let Some(strong) = driver.upgrade() else { return std::future::pending().await };
            let store = Arc::clone(&strong.store);
            drop(strong);
            let (arn, is_express, range) = (Arc::clone(map_run_arn), *is_express, self.next..last);
            let read = tokio::task::spawn_blocking(move || {
                let mut found = VecDeque::new();
                for index in range {
                    match find_child(&*store, &child_arn(&arn, index, is_express)) {
                        Ok(FoundChild::Ended { end, .. }) => {
                            found.push_back(EndedChild { index, end })
                        }
                        Ok(FoundChild::Absent) => {}
                        Ok(FoundChild::Open(_)) | Err(_) => return (found, index),
                    }
                }
                (found, last)
            });
            let (found, next) = match read.await {
                Ok(read) => read,
                Err(_) => (VecDeque::new(), self.next),
            };
            if found.is_empty() && next == self.next {
                pause().await;
            }
            self.next = next;
            self.ready = found;
        }
        self.ready.pop_front()
    }
}
