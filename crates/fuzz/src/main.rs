//! Fuzzes for as long as it is told: `cargo xtask fuzz --only language --minutes 60`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuzz::{Corpus, Limit, Target, kept_inputs, run_noting};

/// `fuzz MINUTES [SEED [TARGET…]]`: the targets in turns, a quarter of a minute each.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let minutes = number(0).unwrap_or(1);
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut seed = number(1).unwrap_or_else(|| u64::try_from(clock()).unwrap_or(1));
    let wanted: Vec<Target> = Target::ALL
        .into_iter()
        .filter(|target| {
            arguments.len() < 3 || arguments[2..].iter().any(|name| name == target.name())
        })
        .collect();
    let corpus = Corpus::read();
    let slice = Duration::from_secs(15).min(Duration::from_secs(60 * minutes) / 6);
    let mut failed = false;
    for target in &wanted {
        for (name, input) in kept_inputs(*target) {
            println!("{name}");
            target.try_input(&input);
        }
    }
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(60 * minutes) {
        for target in &wanted {
            seed = seed.wrapping_add(1);
            // An input that ends the process, as a stack that overflows does, is found there.
            let current = std::env::temp_dir().join(format!("fuzz-{}", target.name()));
            let mut note = |input: &[u8]| drop(std::fs::write(&current, input));
            match run_noting(&corpus, *target, seed, Limit::Time(slice), &mut note) {
                Ok((count, valid)) => {
                    println!("{} seed {seed}: {count} inputs, {valid} valid", target.name());
                }
                Err(found) => {
                    failed = true;
                    let name = format!("{}-{seed}", target.name());
                    let file = std::env::temp_dir().join(&name);
                    eprintln!("{name}: {}", found.failure);
                    match std::fs::write(&file, &found.input) {
                        Ok(()) => eprintln!("the input is in {}", file.display()),
                        Err(error) => eprintln!("{}: {error}", file.display()),
                    }
                    eprintln!("{}", String::from_utf8_lossy(&found.input));
                }
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
