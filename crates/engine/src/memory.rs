//! How much memory an execution takes, about: what it keeps of payloads, parsed or not.

use std::collections::BTreeMap;

use asl::Payload;

use crate::Execution;
use crate::frame::{At, Current, Frame, Phase};

/// Bytes that an execution takes beside its payloads: names, frames, what is known of it.
const EXECUTION_BYTES: usize = 2_048;

/// Payloads smaller than this keep their parsed form.
const SMALL_BYTES: usize = 4_096;

/// Each payload once, by its identity.
#[derive(Default)]
struct Sum {
    seen: BTreeMap<usize, usize>,
}

impl Sum {
    fn add<'p>(&mut self, payloads: impl IntoIterator<Item = &'p Payload>) {
        for payload in payloads {
            self.seen.entry(payload.identity()).or_insert_with(|| payload.memory());
        }
    }

    fn frame(&mut self, frame: &Frame) {
        self.add(frame.variables.values());
        self.add(frame.item.as_ref().map(|item| &item.value));
        match &frame.at {
            At::Start { input } | At::Between { input, .. } => self.add([input]),
            At::Ended { output } => self.add([output]),
            At::In(current) => self.current(current),
        }
    }

    fn current(&mut self, current: &Current) {
        self.add([&current.input]);
        self.phase(&current.phase);
        if let Some(cut_off) = &current.cut_off {
            self.phase(&cut_off.phase);
            cut_off.frames.values().for_each(|frame| self.frame(frame));
        }
    }

    fn phase(&mut self, phase: &Phase) {
        match phase {
            Phase::Task(task) => {
                self.add([&task.parameters]);
                self.add(task.credentials.iter().chain(&task.job));
            }
            Phase::Parallel { results, .. } => self.add(results.iter().flatten()),
            Phase::Map(progress) => {
                self.add([&progress.items]);
                self.add(progress.results.iter().flatten());
            }
            _ => {}
        }
    }
}

impl Execution {
    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        let mut sum = Sum::default();
        sum.add([self.input()]);
        sum.add(self.output());
        self.frames.values().for_each(|frame| sum.frame(frame));
        self.map_runs().for_each(|run| sum.add(run.kept_payloads()));
        EXECUTION_BYTES + sum.seen.values().sum::<usize>()
    }

    /// Lets the parsed forms of what went in and came out go, where they take much: for an
    /// execution that is over, of which mostly the texts are asked for.
    pub fn forget_parsed(&mut self) {
        for payload in self.ends_mut() {
            if payload.memory() > SMALL_BYTES + payload.size() {
                *payload = Payload::from_valid_text(payload.text());
            }
        }
    }
}
