//! Trying many inputs, and saying which one failed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::corpus::{files, testdata};
use crate::{Corpus, Random, Target, generate, mutate};

/// How long inputs are tried.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    Inputs(u64),
    Time(Duration),
}

/// How long one input may take before it is said to hang. It is far beyond what any takes, and
/// there only so that a hang has a name.
const PATIENCE: Duration = Duration::from_secs(60);

/// An input that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub target: Target,
    pub input: Vec<u8>,
    /// What it panicked with, or that it hangs.
    pub failure: String,
}

/// Inputs that failed once, with the names of their files.
pub fn kept_inputs(target: Target) -> Vec<(String, Vec<u8>)> {
    let files = files(&testdata().join("fuzz").join(target.name()));
    files
        .into_iter()
        .map(|file| {
            let input = std::fs::read(&file).expect("a kept input is readable");
            (file.display().to_string(), input)
        })
        .collect()
}

/// Makes inputs from a seed and tries them.
///
/// # Errors
/// The first input that panics or hangs. One that hangs goes on in a thread of its own.
pub fn run(corpus: &Corpus, target: Target, seed: u64, limit: Limit) -> Result<(u64, u64), Found> {
    run_noting(corpus, target, seed, limit, &mut |_| ())
}

/// As [`run`], noting each input before it is tried: one may end the process.
///
/// # Errors
/// As [`run`].
pub fn run_noting(
    corpus: &Corpus,
    target: Target,
    seed: u64,
    limit: Limit,
    note: &mut dyn FnMut(&[u8]),
) -> Result<(u64, u64), Found> {
    let (inputs, to_try) = mpsc::sync_channel::<Vec<u8>>(0);
    let (answers, tried) = mpsc::channel();
    let worker = std::thread::Builder::new().name(target.name().to_owned());
    worker
        .spawn(move || {
            for input in to_try {
                let outcome = catch_unwind(AssertUnwindSafe(|| target.try_input(&input)));
                let outcome = outcome.map_err(|panic| panic_text(&*panic));
                if answers.send(outcome).is_err() {
                    return;
                }
            }
        })
        .expect("there is room for a thread");
    let started = Instant::now();
    let random = Random::new(seed);
    let (mut count, mut valid) = (0, 0);
    loop {
        let is_over = match limit {
            Limit::Inputs(most) => count == most,
            Limit::Time(most) => started.elapsed() >= most,
        };
        if is_over {
            return Ok((count, valid));
        }
        let input = make(corpus, target, &random);
        let found = |failure: &str| Found { target, input: input.clone(), failure: failure.into() };
        note(&input);
        inputs.send(input.clone()).expect("the thread waits for inputs");
        match tried.recv_timeout(PATIENCE) {
            Ok(Ok(is_valid)) => valid += u64::from(is_valid),
            Ok(Err(panic)) => return Err(found(&panic)),
            Err(_) => return Err(found("it hangs")),
        }
        count += 1;
    }
}

fn make(corpus: &Corpus, target: Target, random: &Random) -> Vec<u8> {
    let texts = corpus.texts(target);
    let seed = || &*texts[random.below(texts.len())];
    let is_machine = matches!(target, Target::Definition | Target::Execution);
    match random.below(10) {
        0 if target != Target::Execution => mutate::bytes(random),
        1..=3 => generate::generate(random, target).into_bytes(),
        4 => mutate::text(random, &generate::generate(random, target), texts),
        5..=8 if is_machine => mutate::definition(random, corpus, seed()).to_string().into_bytes(),
        _ => mutate::text(random, seed(), texts),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
