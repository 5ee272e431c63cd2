//! Prints how many executions a second the engine alone decides and encodes, on one thread.
//!
//! `cargo run --release -p engine --example step_rate`

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]

use std::sync::Arc;
use std::time::Instant;

use asl::{MachineType, Payload, Program, Timestamp};
use engine::{
    Command, Execution, Identity, Stamp, Status, TaskId, World, decode_turn, encode_turn, step,
};

struct NoWorld;

impl World for NoWorld {
    fn task_token(&self, task: TaskId) -> String {
        task.0.to_string()
    }

    fn activity_exists(&self, _: &str) -> bool {
        true
    }
}

fn chain(length: usize) -> Program {
    let states: Vec<String> = (0..length)
        .map(|index| match index + 1 == length {
            true => format!(r#""S{index}":{{"Type":"Pass","End":true}}"#),
            false => format!(r#""S{index}":{{"Type":"Pass","Next":"S{}"}}"#, index + 1),
        })
        .collect();
    let definition = format!(r#"{{"StartAt":"S0","States":{{{}}}}}"#, states.join(","));
    asl::compile(&definition, MachineType::Standard).program.expect("the chain is valid")
}

fn main() {
    let identity = Arc::new(Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
        express: false,
        test_case: None,
        map_run: None,
    });
    for length in [1, 10, 100] {
        let program = chain(length);
        let input = r#"{"order":{"id":17,"lines":[{"sku":"a","quantity":2}]}}"#;
        let rounds = 400_000 / length;
        let begun = Instant::now();
        let mut bytes = 0;
        let mut last = Vec::new();
        for round in 0..rounds {
            let mut execution = Execution::new(Arc::clone(&identity));
            let stamp =
                Stamp { now: Timestamp(1_700_000_000_000), seed: round as u64, world: &NoWorld };
            let command = Command::Start { input: Payload::from_valid_text(input) };
            let decision = step(&program, &mut execution, command, stamp);
            assert_eq!(execution.status, Status::Succeeded);
            last = encode_turn(&decision.events);
            bytes += last.len();
        }
        let took = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        for _ in 0..rounds {
            let mut execution = Execution::new(Arc::clone(&identity));
            for event in decode_turn(&last).expect("it was just written") {
                execution.apply(&event);
            }
        }
        let folding = begun.elapsed().as_secs_f64();
        println!(
            "{length:>3} states: {:>9.0} executions/s decided and encoded, {:>9.0}/s folded, {} bytes each",
            rounds as f64 / took,
            rounds as f64 / folding,
            bytes / rounds,
        );
    }
}
