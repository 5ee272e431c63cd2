//! A bounded number of inputs for every target, and all that ever failed.
//! `cargo xtask fuzz --only language --minutes 60` tries more.

use fuzz::{Corpus, Limit, Target, kept_inputs, run};

/// Tries inputs that follow from a seed. Some must be valid, or nothing much is tried.
fn check(target: Target, inputs: u64) {
    let (count, valid) =
        run(&Corpus::read(), target, 1, Limit::Inputs(inputs)).unwrap_or_else(|found| {
            panic!(
                "{}: {}\n{}",
                found.target.name(),
                found.failure,
                String::from_utf8_lossy(&found.input)
            )
        });
    assert!(valid * 20 > count, "{}: only {valid} of {count} valid", target.name());
}

#[test]
fn definitions() {
    check(Target::Definition, 3_000);
}

#[test]
fn paths() {
    check(Target::Path, 100_000);
}

#[test]
fn templates() {
    check(Target::Template, 50_000);
}

#[test]
fn intrinsics() {
    check(Target::Intrinsic, 100_000);
}

#[test]
fn jsonata() {
    check(Target::Jsonata, 40_000);
}

#[test]
fn executions_of_what_is_valid() {
    check(Target::Execution, 40_000);
}

#[test]
fn what_failed_once() {
    for target in Target::ALL {
        for (_, input) in kept_inputs(target) {
            target.try_input(&input);
        }
    }
}
